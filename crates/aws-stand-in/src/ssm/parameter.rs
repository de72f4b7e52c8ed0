//! `GetParameter`.

use serde_json::{Value, json};

use super::Input;
use crate::account::Context;
use crate::error_response::ErrorResponse;
use crate::{ACCOUNT_ID, REGION};

pub(super) fn get_parameter(
    context: &mut Context<'_>,
    mut input: Input,
) -> Result<Value, ErrorResponse> {
    let name: String = input.need("Name")?;
    let decrypt = input.take("WithDecryption")?.unwrap_or(false);
    input.finish()?;
    let head = format!("arn:aws:ssm:{REGION}:{ACCOUNT_ID}:parameter/");
    let arn = format!("{head}{}", name.trim_start_matches('/'));
    context.authorize_ssm("ssm:GetParameter", &arn, vec![])?;
    let parameter = context.account.ssm.parameters.get(&name);
    let parameter = parameter.ok_or_else(|| ErrorResponse::new("ParameterNotFound", ""))?;
    let shown = if parameter.secure && !decrypt {
        "AQICAHencrypted-by-the-rehearsal"
    } else {
        parameter.value.as_str()
    };
    Ok(json!({ "Parameter": {
        "Name": name,
        "Type": if parameter.secure { "SecureString" } else { "String" },
        "Value": shown,
        "Version": 1,
        "ARN": arn,
        "DataType": "text",
    }}))
}
