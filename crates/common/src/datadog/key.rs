//! Datadog's API key. It cannot be printed.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;

use crate::clients::Lazy;
use crate::error::Result;
use crate::settings::Settings;

/// Where the key comes from.
#[derive(Clone, Debug)]
pub(super) enum Key {
    /// Datadog is left off.
    Off,
    /// From the environment.
    Given(SecretString),
    /// From a parameter of Parameter Store.
    Parameter(Parameter),
}

/// A `SecureString` of Parameter Store. It is read at the first use and kept as long as the
/// process lives: by default Parameter Store answers 40 requests a second for the whole account.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    name: String,
    ssm: Lazy<aws_sdk_ssm::Client>,
    kept: Arc<Mutex<Option<SecretString>>>,
}

/// A key, as it was had.
pub(super) struct Had {
    pub secret: SecretString,
    /// Whether it was read for an earlier request, so that there may be a newer one.
    pub kept: bool,
}

impl Key {
    /// Reads the settings `DD_API_KEY_SSM_NAME` and `DD_API_KEY`.
    pub fn of(settings: &mut Settings, ssm: &Lazy<aws_sdk_ssm::Client>) -> Self {
        let parameter = settings.optional("DD_API_KEY_SSM_NAME");
        match (parameter, settings.optional("DD_API_KEY")) {
            (Some(name), _) => Self::Parameter(Parameter {
                name,
                ssm: ssm.clone(),
                kept: Arc::default(),
            }),
            (None, Some(key)) => Self::Given(key.into()),
            (None, None) => {
                settings.text_or_empty("DD_API_KEY_SSM_NAME");
                Self::Off
            }
        }
    }

    /// The key; `None` where Datadog is left off.
    pub async fn get(&self) -> Result<Option<Had>> {
        let parameter = match self {
            Self::Off => return Ok(None),
            Self::Given(secret) => {
                let secret = secret.clone();
                return Ok(Some(Had {
                    secret,
                    kept: false,
                }));
            }
            Self::Parameter(parameter) => parameter,
        };
        if let Some(secret) = parameter.kept().clone() {
            return Ok(Some(Had { secret, kept: true }));
        }
        let secret = crate::ssm::secret(&parameter.ssm, &parameter.name).await?;
        *parameter.kept() = Some(secret.clone());
        Ok(Some(Had {
            secret,
            kept: false,
        }))
    }

    /// The next request reads the parameter again.
    pub fn forget(&self) {
        if let Self::Parameter(parameter) = self {
            *parameter.kept() = None;
        }
    }
}

impl Parameter {
    fn kept(&self) -> std::sync::MutexGuard<'_, Option<SecretString>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
