//! A request of SSM, member by member.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::error_response::ErrorResponse;

/// The members of a request that have not been asked for yet. What no operation asks for is not
/// modelled.
pub(super) struct Input(Map<String, Value>);

impl Input {
    pub fn read(body: &Bytes) -> Result<Self, ErrorResponse> {
        let members = serde_json::from_slice(body);
        members
            .map(Self)
            .map_err(|error| ErrorResponse::new("SerializationException", error.to_string()))
    }

    /// A member, if it is there.
    pub fn take<T: serde::de::DeserializeOwned>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, ErrorResponse> {
        let Some(value) = self.0.remove(name).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let wrong =
            |error| ErrorResponse::new("SerializationException", format!("{name}: {error}"));
        serde_json::from_value(value).map(Some).map_err(wrong)
    }

    /// A member that must be there.
    pub fn need<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Result<T, ErrorResponse> {
        self.take(name)?.ok_or_else(|| {
            let message = format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null");
            ErrorResponse::new("ValidationException", message)
        })
    }

    /// Everything has been asked for, or the request means something that is not modelled.
    pub fn finish(self) -> Result<(), ErrorResponse> {
        if self.0.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.0.into_iter().map(|(name, _)| name).collect();
        Err(ErrorResponse::not_modelled(format!(
            "members {}",
            names.join(", ")
        )))
    }
}
