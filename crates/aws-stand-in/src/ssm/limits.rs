//! How many requests Systems Manager takes of an account and region.
//!
//! Of Parameter Store AWS names the figure, 40 `GetParameter` a second together:
//! <https://docs.aws.amazon.com/general/latest/gr/ssm.html>. Of Run Command it names none: what stands
//! here for its calls is a guess, and a low one.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::bucket::Bucket;
use crate::error_response::ErrorResponse;

const PARAMETERS: (f64, f64) = (40.0, 40.0);
const RUN_COMMAND: (f64, f64) = (20.0, 20.0);

/// What is left in each bucket.
#[derive(Debug, Default)]
pub(crate) struct Limits(BTreeMap<String, Bucket>);

impl Limits {
    /// Takes a token for this request, or refuses it as Systems Manager does.
    pub fn take(&mut self, action: &str, now: SystemTime) -> Result<(), ErrorResponse> {
        let (most, a_second) = match action {
            "GetParameter" => PARAMETERS,
            _ => RUN_COMMAND,
        };
        let bucket = self.0.entry(action.to_owned());
        let bucket = bucket.or_insert_with(|| Bucket::full(most, now));
        if bucket.take(most, a_second, now) {
            return Ok(());
        }
        Err(ErrorResponse::new("ThrottlingException", "Rate exceeded"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn parameter_store_takes_40_a_second_and_each_call_of_run_command_has_a_bucket() {
        let mut limits = Limits::default();
        let start = SystemTime::UNIX_EPOCH;
        let taken = |limits: &mut Limits, action, now| {
            let tokens = std::iter::from_fn(|| limits.take(action, now).ok());
            tokens.count()
        };
        assert_eq!(taken(&mut limits, "GetParameter", start), 40);
        assert_eq!(taken(&mut limits, "SendCommand", start), 20);
        assert_eq!(taken(&mut limits, "ListCommands", start), 20);
        let later = start + Duration::from_millis(500);
        assert_eq!(taken(&mut limits, "GetParameter", later), 20);
        let refused = limits.take("GetParameter", later).unwrap_err();
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (400, "ThrottlingException")
        );
    }
}
