//! What a role may do, decided as IAM decides it: denied unless a statement allows it, and a
//! statement that denies wins.
//!
//! Only what `template.yaml` uses is modelled; an element or operator beyond that is an error when
//! the policy is read, so that no grant is wider or narrower here than in AWS.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;

/// The role of one function, with the statements of all its inline policies.
#[derive(Clone, Debug)]
pub struct Role {
    /// The physical name, as it stands in ARNs and refusals.
    pub name: String,
    /// The ARN of the policy that bounds it. What that allows is not modelled.
    pub permissions_boundary: Option<String>,
    statements: Vec<Statement>,
}

/// One action on one resource. A call that IAM checks against several resources is several requests.
#[derive(Clone, Debug)]
pub struct Request {
    /// Such as `ec2:DeleteVolume`.
    pub action: String,
    /// `*` for actions that know no resources.
    pub resource_arn: String,
    /// The condition keys, such as `ec2:ResourceTag/Name`; `aws:TagKeys` has several values.
    pub context: BTreeMap<String, Vec<String>>,
}

/// What IAM says to a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// No statement allows it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: OneOrMany,
    resource: OneOrMany,
    #[serde(default)]
    condition: BTreeMap<Operator, BTreeMap<String, OneOrMany>>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
enum Operator {
    StringEquals,
    StringLike,
    ArnLike,
    Bool,
    Null,
    #[serde(rename = "ForAllValues:StringEquals")]
    ForAllValuesStringEquals,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Texts")]
struct OneOrMany(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl From<Texts> for OneOrMany {
    fn from(texts: Texts) -> Self {
        match texts {
            Texts::One(text) => Self(vec![text]),
            Texts::Many(texts) => Self(texts),
        }
    }
}

impl Request {
    /// A request without context.
    pub fn new(action: impl Into<String>, resource_arn: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource_arn: resource_arn.into(),
            context: BTreeMap::new(),
        }
    }

    /// The same with one more value of a context key.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.context
            .entry(key.into())
            .or_default()
            .push(value.into());
        self
    }

    /// The values of a context key, whose name IAM compares without regard to case.
    fn values(&self, key: &str) -> &[String] {
        self.context
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map_or(&[], |(_, values)| values)
    }
}

impl Role {
    /// Reads the policy documents of a role, their intrinsics already evaluated.
    pub fn read(name: &str, policy_documents: &[Value]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "PascalCase")]
        struct Policy {
            version: String,
            statement: Vec<Value>,
        }

        let mut statements = Vec::new();
        for document in policy_documents {
            let policy = Policy::deserialize(document).with_context(|| format!("role {name}"))?;
            // The older version reads the same words differently.
            if policy.version != "2012-10-17" {
                bail!("role {name}: policy version {}", policy.version);
            }
            for statement in &policy.statement {
                let read = Statement::deserialize(statement)
                    .map_err(anyhow::Error::from)
                    .and_then(Statement::checked)
                    .with_context(|| format!("role {name}: statement {statement}"))?;
                statements.push(read);
            }
        }
        Ok(Self {
            name: name.to_owned(),
            permissions_boundary: None,
            statements,
        })
    }

    /// Decides one request.
    #[must_use]
    pub fn allows(&self, request: &Request) -> Decision {
        let mut decision = Decision::NotAllowed;
        for statement in self.statements.iter().filter(|s| s.applies(request)) {
            match statement.effect {
                Effect::Deny => return Decision::Denied,
                Effect::Allow => decision = Decision::Allowed,
            }
        }
        decision
    }

    /// What AWS answers to `function`, which runs under this role, when it refuses `request`.
    #[must_use]
    pub fn refusal(&self, function: &str, request: &Request) -> String {
        let Request {
            action,
            resource_arn,
            ..
        } = request;
        let why = if self.allows(request) == Decision::Denied {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the {action} action")
        };
        format!(
            "User: arn:{}:sts::{}:assumed-role/{}/{function} is not authorized to perform: \
             {action} on resource: {resource_arn} {why}",
            crate::ids::PARTITION,
            crate::ids::ACCOUNT_ID,
            self.name,
        )
    }

    /// Each action that is allowed, with the resources of its statement. An action of two
    /// statements comes twice.
    #[must_use]
    pub fn actions(&self) -> Vec<(String, Vec<String>)> {
        self.statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
            .flat_map(|statement| {
                let resources = &statement.resource.0;
                let grant = |action: &String| (action.clone(), resources.clone());
                statement.action.0.iter().map(grant)
            })
            .collect()
    }

    /// Each grant: one action on one resource that a statement allows.
    #[must_use]
    pub fn grants(&self) -> Vec<(String, String)> {
        let grants = self.single_grants().into_iter();
        let grant = |mut statement: Statement| {
            let (action, resource) = (statement.action.0.pop(), statement.resource.0.pop());
            Some((action?, resource?))
        };
        grants.filter_map(grant).collect()
    }

    /// The same role without the grant of that number in [`Role::grants`]: for tests that each
    /// grant is needed.
    #[must_use]
    pub fn without(&self, number: usize) -> Self {
        let mut grants = self.single_grants();
        grants.remove(number);
        let denials = self
            .statements
            .iter()
            .filter(|one| one.effect == Effect::Deny);
        grants.extend(denials.cloned());
        Self {
            statements: grants,
            ..self.clone()
        }
    }

    fn single_grants(&self) -> Vec<Statement> {
        let allowing = self
            .statements
            .iter()
            .filter(|one| one.effect == Effect::Allow);
        let single = allowing.flat_map(|statement| {
            statement.action.0.iter().flat_map(|action| {
                statement.resource.0.iter().map(|resource| Statement {
                    action: OneOrMany(vec![action.clone()]),
                    resource: OneOrMany(vec![resource.clone()]),
                    ..statement.clone()
                })
            })
        });
        single.collect()
    }
}

impl Statement {
    /// Refuses what `applies` would read differently from IAM.
    fn checked(self) -> anyhow::Result<Self> {
        let conditions = self.condition.values().flat_map(BTreeMap::values);
        let texts = conditions.chain([&self.action, &self.resource]);
        if let Some(text) = texts.flat_map(|t| &t.0).find(|t| t.contains("${")) {
            bail!("policy variables are not modelled: {text}");
        }
        Ok(self)
    }

    fn applies(&self, request: &Request) -> bool {
        let Self {
            action,
            resource,
            condition,
            ..
        } = self;
        action.0.iter().any(|p| action_matches(p, &request.action))
            && resource.0.iter().any(|p| matches(p, &request.resource_arn))
            && condition.iter().all(|(operator, keys)| {
                keys.iter()
                    .all(|(key, wanted)| operator.holds(&wanted.0, request.values(key)))
            })
    }
}

impl Operator {
    fn holds(self, wanted: &[String], values: &[String]) -> bool {
        match (self, values) {
            // True of no values at all, as in IAM.
            (Self::ForAllValuesStringEquals, values) => values.iter().all(|v| wanted.contains(v)),
            // `true`: the request lacks the key; `false`: it has it.
            (Self::Null, values) => {
                let lacks = if values.is_empty() { "true" } else { "false" };
                wanted.iter().any(|w| w.eq_ignore_ascii_case(lacks))
            }
            (Self::StringEquals, [value]) => wanted.contains(value),
            (Self::StringLike | Self::ArnLike, [value]) => wanted.iter().any(|w| matches(w, value)),
            (Self::Bool, [value]) => wanted.iter().any(|w| w.eq_ignore_ascii_case(value)),
            // A key that the request lacks; and the operators for one value say nothing of several.
            (Self::StringEquals | Self::StringLike | Self::ArnLike | Self::Bool, _) => false,
        }
    }
}

/// Actions are compared without regard to case.
fn action_matches(pattern: &str, action: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Whether `text` as a whole fits `pattern`, where `*` is any text and `?` any one byte.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // The last `*` seen, and how much text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests;
