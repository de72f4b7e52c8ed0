//! Which function a step's function invokes next.

use crate::clients::Clients;
use crate::step::Step;

/// The variable that names the next step's function.
pub(crate) const NEXT_FUNCTION: &str = "NEXT_LAMBDA_NAME";

/// The function that takes [`crate::step::Outcome::GoOn`].
pub(crate) fn next_function<S: Step>(clients: &Clients) -> &str {
    if S::IS_LAST {
        return &clients.function_name;
    }
    let next = clients.variables.get(NEXT_FUNCTION);
    next.map_or("", String::as_str)
}
