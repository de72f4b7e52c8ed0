//! The stack that `template.yaml` describes, as the stand-in for AWS deploys it.
//!
//! Reads what the template uses and no more: an intrinsic, a property or a resource type that is not
//! modelled is an error, so that nothing is deployed here that would be something else in AWS.

use std::collections::BTreeMap;

use anyhow::Context as _;

mod deployed;
mod document;
mod include;
mod intrinsics;
mod names;
mod parameters;
mod properties;
mod resources;
mod roles;

pub use deployed::{Function, LogGroup, Schedule, Template, VpcConfig};
pub use document::{Document, DocumentParameter, RunShellScript};
pub(crate) use document::{bind, execution_timeout};

/// The project's own template.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

impl Template {
    /// Deploys the template `text` with `parameters`, and defaults for those not given.
    pub fn read(text: &str, parameters: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let sections = intrinsics::sections(text).context("template")?;
        let values = parameters::evaluate(&sections.parameters, parameters)?;
        let stack = intrinsics::Stack::new(sections, values);
        resources::deploy(&stack)
    }

    /// The function of this name.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// The document of this name.
    #[must_use]
    pub fn document(&self, name: &str) -> Option<&Document> {
        self.documents.iter().find(|document| document.name == name)
    }
}

#[cfg(test)]
mod tests;
