//! `DescribeInstanceInformation`, of instances by their ids.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Input;
use crate::account::Context;
use crate::clock::unix_seconds;
use crate::error_response::ErrorResponse;

/// The version that all agents have.
const AGENT_VERSION: &str = "3.3.2746.0";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Filter {
    key: String,
    values: Vec<String>,
}

/// An instance is known once its agent was heard of, and stays known when it is stopped, for some
/// time, as `ConnectionLost`.
pub(super) fn answer(context: &mut Context<'_>, mut input: Input) -> Result<Value, ErrorResponse> {
    let filters: Vec<Filter> = input.take("Filters")?.unwrap_or_default();
    input.finish()?;
    context.authorize_ssm("ssm:DescribeInstanceInformation", "*", vec![])?;
    if filters.iter().any(|filter| filter.key != "InstanceIds") {
        return Err(ErrorResponse::not_modelled(
            "a filter other than InstanceIds",
        ));
    }
    let asked = |id: &String| filters.iter().all(|filter| filter.values.contains(id));
    let known = context.account.ec2.instances.iter();
    let known = known.filter(|(id, entry)| asked(id) && !entry.machine.borrow().terminated);
    let list: Vec<Value> = known
        .map(|(id, entry)| {
            let online = entry.machine.borrow().reachable();
            json!({
                "InstanceId": id,
                "PingStatus": if online { "Online" } else { "ConnectionLost" },
                "LastPingDateTime": unix_seconds(context.now),
                "AgentVersion": AGENT_VERSION,
                "IsLatestVersion": true,
                "PlatformType": "Linux",
                "ResourceType": "EC2Instance",
            })
        })
        .collect();
    Ok(json!({ "InstanceInformationList": list }))
}
