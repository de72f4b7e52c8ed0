//! The stack of `template.yaml` with a test instance in memory, and a paused clock.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::clock::parse_rfc3339;
use crate::lambda::Lambda;
use crate::simulated_host::{DocumentNames, SimulatedHost};
use crate::stack::Stack;
use crate::template::{TEMPLATE, Template};
use crate::{Aws, Clock, Fixture};

/// The start of every simulated run.
const EPOCH: &str = "2026-03-01T02:00:00Z";
/// Lambda repeats a failed asynchronous event after one and after two minutes.
const RETRIES_AFTER: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];

/// `template.yaml` with its defaults, read once for thousands of runs.
static AS_IT_IS: OnceLock<Template> = OnceLock::new();

/// A stack and its test instance. Nothing runs the functions' code until an executor is set.
pub struct InMemory {
    /// The stack.
    pub stack: Stack,
    /// The test instance.
    pub host: SimulatedHost,
    /// To be kept as long as the other two are used.
    pub cycle_breaker: CycleBreaker,
}

/// Unregisters the services when they are no longer used.
pub struct CycleBreaker(Aws, Lambda);

impl Drop for CycleBreaker {
    fn drop(&mut self) {
        let Self(aws, lambda) = self;
        aws.break_cycles();
        lambda.break_cycles();
    }
}

impl InMemory {
    /// The stack with these parameters and a changed template. Needs a paused clock.
    ///
    /// # Panics
    /// Where `template.yaml` cannot be read.
    #[must_use]
    pub fn deploy(set: &[(&str, &str)], change: impl FnOnce(&mut Template)) -> Self {
        let set = set
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let read = |set: &BTreeMap<_, _>| {
            Template::read(TEMPLATE, set).expect("template.yaml can be read")
        };
        let set: BTreeMap<_, _> = set.collect();
        let mut template = if set.is_empty() {
            AS_IT_IS.get_or_init(|| read(&set)).clone()
        } else {
            read(&set)
        };
        change(&mut template);
        let epoch = parse_rfc3339(EPOCH).expect("EPOCH is a time");
        let clock = Clock::starting_at(epoch);
        let stack = Stack::deploy(template, clock, RETRIES_AFTER);
        let host = machine(&stack, &stack.fixture);
        let cycle_breaker = CycleBreaker(stack.aws.clone(), stack.lambda.clone());
        Self {
            stack,
            host,
            cycle_breaker,
        }
    }
}

/// The machine behind the test instance of a database.
#[must_use]
pub fn machine(stack: &Stack, of: &Fixture) -> SimulatedHost {
    machine_in(stack, of, "")
}

/// The same, where the stack has the functions of several environments: it runs those of one.
#[must_use]
pub fn machine_in(stack: &Stack, of: &Fixture, environment: &str) -> SimulatedHost {
    let document = |step: &str, variable: &str| {
        let functions = stack.template.functions.iter();
        let mut functions = functions.filter(|one| one.name.starts_with(environment));
        let function = functions.find(|function| function.name.contains(step));
        let name = function.and_then(|function| function.environment.get(variable));
        name.cloned().unwrap_or_default()
    };
    let host = SimulatedHost::new(
        stack.aws.clock(),
        DocumentNames {
            mount: document("step-4", "MOUNT_DOCUMENT"),
            programs: document("step-5", "PROGRAMS_DOCUMENT"),
            test: document("step-5", "TEST_DOCUMENT"),
            release: document("step-6", "RELEASE_DOCUMENT"),
            run_id: "runId".to_owned(),
            volume_id: "volumeId".to_owned(),
        },
    );
    let instance = &of.test_instance_id;
    stack.aws.set_host(instance, Arc::new(host.clone()));
    host
}
