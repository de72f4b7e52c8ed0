//! Classifies AWS's errors, once, while they are still typed.

use std::error::Error as StdError;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use crate::aws::answer::NotAws;
use crate::error::{Error, Kind};
use crate::text::one_line;

/// Codes by which AWS's services say that a role lacks an action.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "KMSAccessDeniedException",
    "UnauthorizedOperation",
];

/// Codes of errors that may pass, among them all that the SDK itself takes for throttling or for a
/// time-out (`aws_runtime::retries::classifiers`).
const BUSY: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceException",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
    "Unavailable",
];

/// Codes for credentials that AWS does not accept, which no policy can fix.
const UNKNOWN_CALLER: &[&str] = &[
    "AuthFailure",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
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

/// Turns the SDK's error into one that says what was `tried`, as in "attach vol-1 to i-2".
pub(crate) fn refused<E>(tried: &str, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
    let answered = error.as_service_error();
    let Some((service, code)) = answered.and_then(|service| Some((service, service.code()?)))
    else {
        // Without a code it is no answer of AWS, but of something between AWS and the function.
        let body = error.raw_response().and_then(|raw| raw.body().bytes());
        let seen = match status {
            0 => NotAws::among(&error).map(ToString::to_string),
            _ => Some(NotAws::new("", status, body.unwrap_or_default()).to_string()),
        };
        return match seen {
            Some(seen) if status == 0 => Error::new(
                Kind::AwsUnavailable,
                format!("tried to {tried}, and {seen}"),
            ),
            seen => {
                let seen = seen.unwrap_or_else(|| "AWS gave no answer".to_owned());
                let message = format!("tried to {tried}, and {seen}");
                Error::caused(Kind::AwsUnavailable, message, error)
            }
        };
    };
    let said = one_line(service.message().unwrap_or("no message"), LONGEST_MESSAGE);
    let kind = if DENIED.contains(&code) {
        Kind::AccessDenied
    } else if BUSY.contains(&code) || status >= 500 || status == 429 {
        Kind::AwsUnavailable
    } else {
        Kind::AwsRefused
    };
    let advice = match kind {
        Kind::AccessDenied if said.contains("Encoded authorization failure message") => {
            "; the function's role in template.yaml must allow it; `aws sts \
             decode-authorization-message --encoded-message <that text>` shows which policy denied \
             it"
        }
        Kind::AccessDenied => "; the function's role in template.yaml must allow it",
        _ if UNKNOWN_CALLER.contains(&code) => {
            "; AWS does not accept the function's credentials: was its role deleted or replaced? \
             Deploy the stack again"
        }
        _ => "",
    };
    Error::new(
        kind,
        format!("tried to {tried}: AWS answered {code}: {said}{advice}"),
    )
}

/// An encoded authorization message has 1 to 2 kB.
const LONGEST_MESSAGE: usize = 3000;
