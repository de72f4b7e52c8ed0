//! AWS's answers, told apart once, while they are still typed.

use std::error::Error as StdError;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use crate::error::{Error, Kind};

/// Codes by which AWS's services say that a role lacks an action.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "KMSAccessDeniedException",
    "UnauthorizedOperation",
];

/// Codes by which they say "not now".
const BUSY: &[&str] = &[
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "RequestLimitExceeded",
    "ServiceException",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "Unavailable",
];

/// AWS's code for what it refused, such as `InvalidVolume.NotFound`.
pub(crate) fn code<E, R>(error: &SdkError<E, R>) -> Option<&str>
where
    E: ProvideErrorMetadata,
{
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

/// Turns what the SDK gave back into an error that says what was `tried`, as in "attach
/// vol-1 to i-2".
pub(crate) fn refused<E>(tried: &str, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let Some(service) = error.as_service_error() else {
        return Error::caused(
            Kind::AwsUnavailable,
            format!("tried to {tried}, and AWS gave no answer"),
            error,
        );
    };
    let code = service.code().unwrap_or("no error code");
    let said = service.message().unwrap_or("no message");
    let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
    let kind = if DENIED.contains(&code) {
        Kind::AccessDenied
    } else if BUSY.contains(&code) || status >= 500 || status == 429 {
        Kind::AwsUnavailable
    } else {
        Kind::AwsRefused
    };
    let advice = match kind {
        Kind::AccessDenied => "; the function's role in template.yaml must allow it",
        _ => "",
    };
    Error::new(
        kind,
        format!("tried to {tried}: AWS answered {code}: {said}{advice}"),
    )
}
