//! Instances, found by their `Name` tag.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Instance as Described, InstanceStateName, Reservation};

use super::{PAGE, filter, tag_map};
use crate::aws::error::{code, refused};
use crate::error::{Error, Kind, Result};

/// A running instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// Its `Name` tag.
    pub name: String,
    /// Its availability zone. A volume can be attached only within it.
    pub zone: String,
    /// Its volumes by device name.
    pub devices: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Instance {
    /// The volume under this device name.
    ///
    /// # Errors
    /// Where there is none; the error lists what there is.
    pub fn volume_at(&self, device: &str) -> Result<&str> {
        let mut devices = self.devices.iter();
        let found = devices.find(|(name, _)| is_same_device(name, device));
        found.map(|(_, volume)| volume.as_str()).ok_or_else(|| {
            let devices: Vec<&str> = self.devices.keys().map(String::as_str).collect();
            Error::new(
                Kind::NotFound,
                format!(
                    "instance {} ({}) has no volume at {device}; it has {}",
                    self.id,
                    self.name,
                    listed(&devices)
                ),
            )
        })
    }
}

/// Whether two device names are one to a guest: to Xen `/dev/sdg` and `/dev/xvdg` are.
#[must_use]
pub fn is_same_device(one: &str, other: &str) -> bool {
    let disk = |name: &str| {
        let name = name.trim_start_matches("/dev/");
        let disk = name.strip_prefix("xvd").or_else(|| name.strip_prefix("sd"));
        disk.map_or_else(|| name.to_owned(), |disk| format!("sd{disk}"))
    };
    disk(one) == disk(other)
}

/// The one instance of this `Name` whose volume is backed up: it need not run for that, and keeps
/// its volumes while it is stopped.
///
/// # Errors
/// Where there is none, or more than one.
pub async fn backed_up_instance(client: &Client, name: &str) -> Result<Instance> {
    let Named { running, others } = named(client, name).await?;
    let stopped = others.iter().map(|(described, _)| described);
    let all: Vec<&Described> = running.iter().chain(stopped).collect();
    match (running.as_slice(), all.as_slice()) {
        ([one], _) => Ok(read(one, name)),
        ([], [one]) => Ok(read(one, name)),
        ([], []) => Err(Error::new(
            Kind::NotFound,
            format!("no instance is named {name}; correct the stack's parameters"),
        )),
        _ => Err(several(name, &all)),
    }
}

/// The one running instance of this `Name`.
///
/// # Errors
/// Where none runs, or more than one.
pub async fn running_instance(client: &Client, name: &str) -> Result<Instance> {
    let Named { running, others } = named(client, name).await?;
    match running.as_slice() {
        [one] => Ok(read(one, name)),
        [] => {
            let others: Vec<String> = others.into_iter().map(|(_, said)| said).collect();
            Err(Error::new(
                Kind::NotFound,
                format!(
                    "no running instance is named {name} ({}); start it, or correct the stack's \
                     parameters",
                    listed(&others)
                ),
            ))
        }
        running => Err(several(name, &running.iter().collect::<Vec<_>>())),
    }
}

fn several(name: &str, instances: &[&Described]) -> Error {
    let ids = instances.iter().filter_map(|one| one.instance_id());
    let ids: Vec<&str> = ids.collect();
    Error::new(
        Kind::NotFound,
        format!(
            "{} instances are named {name} ({}), and it must be one",
            instances.len(),
            ids.join(", ")
        ),
    )
}

/// The instances of a `Name`, but for those that are gone.
struct Named {
    running: Vec<Described>,
    /// With the state of each.
    others: Vec<(Described, String)>,
}

async fn named(client: &Client, name: &str) -> Result<Named> {
    let tried = format!("find the instance named {name}");
    let mut pages = client
        .describe_instances()
        .filters(filter("tag:Name", name))
        .into_paginator()
        .page_size(PAGE)
        .send();
    let mut running = Vec::new();
    let mut others = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| refused(&tried, error))?;
        // Instances, not reservations: one reservation may hold several.
        for described in page.reservations().iter().flat_map(Reservation::instances) {
            let named = tag_map(described.tags()).remove("Name");
            if named.as_deref() != Some(name) {
                continue;
            }
            let id = described.instance_id().unwrap_or_default().to_owned();
            match state(described) {
                Some(InstanceStateName::Running) => running.push(described.clone()),
                // A terminated instance keeps its name for about an hour.
                Some(InstanceStateName::Terminated) => {}
                Some(state) => others.push((described.clone(), format!("{id} is {state}"))),
                None => others.push((described.clone(), format!("{id} is in no known state"))),
            }
        }
    }
    Ok(Named { running, others })
}

/// The state of an instance, `None` where it is gone.
///
/// # Errors
/// Where EC2 refuses to say.
pub async fn instance_state(client: &Client, id: &str) -> Result<Option<InstanceStateName>> {
    let asked = client.describe_instances().instance_ids(id).send().await;
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) if code(&error).is_some_and(|code| code.starts_with("InvalidInstanceID")) => {
            return Ok(None);
        }
        Err(error) => return Err(refused(&format!("ask for instance {id}"), error)),
    };
    let mut instances = answer
        .reservations()
        .iter()
        .flat_map(Reservation::instances);
    let asked = instances.find(|instance| instance.instance_id() == Some(id));
    Ok(asked.and_then(state).cloned())
}

fn state(described: &Described) -> Option<&InstanceStateName> {
    described.state().and_then(|state| state.name())
}

fn read(described: &Described, name: &str) -> Instance {
    let devices = described.block_device_mappings().iter();
    Instance {
        id: described.instance_id().unwrap_or_default().to_owned(),
        name: name.to_owned(),
        zone: described
            .placement()
            .and_then(|placement| placement.availability_zone())
            .unwrap_or_default()
            .to_owned(),
        devices: devices
            .filter_map(|mapping| {
                let volume = mapping.ebs()?.volume_id()?;
                Some((mapping.device_name()?.to_owned(), volume.to_owned()))
            })
            .collect(),
        tags: tag_map(described.tags()),
    }
}

fn listed<T: AsRef<str>>(things: &[T]) -> String {
    if things.is_empty() {
        return "none".to_owned();
    }
    let things: Vec<&str> = things.iter().map(AsRef::as_ref).collect();
    things.join(", ")
}
