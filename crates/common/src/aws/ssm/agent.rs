//! The SSM agent of an instance, as Systems Manager sees it.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{InstanceInformation, InstanceInformationStringFilter, PingStatus};

use super::refused::ssm_refused;
use crate::error::{Error, Kind, Result};

/// The version of the agent, which is online.
///
/// # Errors
/// Where it is not, or Systems Manager refuses to say.
pub async fn agent(client: &Client, instance_id: &str) -> Result<String> {
    let tried = format!("ask for the SSM agent of {instance_id}");
    let filter = InstanceInformationStringFilter::builder()
        .key("InstanceIds")
        .values(instance_id)
        .build()
        .map_err(|error| Error::caused(Kind::AwsRefused, format!("tried to {tried}"), error))?;
    let asked = client.describe_instance_information().filters(filter);
    let answer = asked.send().await;
    let answer = answer.map_err(|error| ssm_refused(&tried, error))?;
    let mut agents = answer.instance_information_list().iter();
    let agent = agents.find(|agent| agent.instance_id() == Some(instance_id));
    let offline = |what: String| Err(Error::new(Kind::HostFailed, what));
    match agent {
        None => offline(format!(
            "Systems Manager has never heard of the SSM agent of {instance_id}"
        )),
        Some(agent) if agent.ping_status() == Some(&PingStatus::Online) => {
            Ok(agent.agent_version().unwrap_or("unknown").to_owned())
        }
        Some(agent) => offline(format!(
            "the SSM agent of {instance_id} is {}, and was last heard of at {}",
            agent.ping_status().map_or("silent", PingStatus::as_str),
            last_heard(agent)
        )),
    }
}

fn last_heard(agent: &InstanceInformation) -> String {
    let at = agent.last_ping_date_time();
    at.map_or_else(|| "no known time".to_owned(), ToString::to_string)
}
