//! Changes that people make to the account by hand: not calls, so nothing authorises, delays
//! or logs them.

use super::ec2::{Attached, Instance, InstanceEntry, InstanceState, Snapshot, Tags, Volume};
use super::eventual_consistency::EventuallyConsistent;
use super::ssm::Command;
use super::{Aws, locked};

impl Aws {
    /// Adds an instance, or puts another in its place.
    pub fn add_instance(&self, instance: Instance) {
        let entry = InstanceEntry::new(instance);
        self.account(|account, _| {
            account
                .ec2
                .instances
                .insert(entry.instance.id.clone(), entry);
        });
    }

    /// Adds a snapshot, or puts another in its place.
    pub fn add_snapshot(&self, snapshot: Snapshot) {
        self.account(|account, _| {
            let id = snapshot.id.clone();
            account
                .ec2
                .snapshots
                .insert(id, EventuallyConsistent::existing(snapshot));
        });
    }

    /// Deletes a snapshot.
    pub fn delete_snapshot(&self, id: &str) {
        self.account(|account, _| account.ec2.snapshots.remove(id));
    }

    /// Adds a volume that has long been there, attached if an instance and a device are given.
    pub fn add_volume(&self, id: &str, zone: &str, tags: Tags, attached: Option<(&str, &str)>) {
        self.account(|account, now| {
            let attached = attached.map(|(instance_id, device)| Attached {
                instance_id: instance_id.to_owned(),
                device: device.to_owned(),
                since: now,
                there_at: now,
                delete_on_termination: false,
                stuck: false,
                host_knows: false,
                detach: None,
            });
            let volume = Volume {
                id: id.to_owned(),
                size_gib: 100,
                snapshot_id: None,
                availability_zone: zone.to_owned(),
                volume_type: "gp3".to_owned(),
                speed: super::Speed::default(),
                kms_key_arn: None,
                tags,
                created_at: now,
                ready_at: now,
                vanishes: false,
                attached,
                gone_at: None,
            };
            account
                .ec2
                .volumes
                .insert(id.to_owned(), EventuallyConsistent::existing(volume));
            account.settle(now);
        });
    }

    /// Takes a volume off its instance by force, at once.
    pub fn detach_by_hand(&self, volume_id: &str) {
        self.account(|account, _| {
            let Some(lagging) = account.ec2.volumes.get_mut(volume_id) else {
                return;
            };
            let Some(attached) = lagging.latest_mut().attached.take() else {
                return;
            };
            if let Some(host) = account.hosts.get(&attached.instance_id) {
                if let Some(guest) = account.ec2.guests.get_mut(&attached.instance_id) {
                    guest.lose(&attached.device, host.in_use(volume_id));
                }
                host.detached(volume_id);
            }
        });
    }

    /// Deletes a volume at once, taking it off its instance first.
    pub fn delete_by_hand(&self, volume_id: &str) {
        self.detach_by_hand(volume_id);
        self.account(|account, now| {
            if let Some(lagging) = account.ec2.volumes.get_mut(volume_id) {
                lagging.latest_mut().gone_at = Some(now);
            }
        });
    }

    /// Tags a snapshot, a volume or an instance, or changes a tag.
    pub fn tag_by_hand(&self, id: &str, key: &str, value: &str) {
        self.account(|account, _| {
            let ec2 = &mut account.ec2;
            let snapshot = ec2
                .snapshots
                .get_mut(id)
                .map(|found| &mut found.latest_mut().tags);
            let volume = ec2
                .volumes
                .get_mut(id)
                .map(|found| &mut found.latest_mut().tags);
            let instance = ec2
                .instances
                .get_mut(id)
                .map(|found| &mut found.instance.tags);
            if let Some(tags) = snapshot.or(volume).or(instance) {
                tags.insert(key.to_owned(), value.to_owned());
            }
        });
    }

    /// Stops an instance: its scripts end, its mounts are gone, its volumes stay attached.
    pub fn stop_instance(&self, id: &str) {
        self.halt(id, InstanceState::Stopped);
    }

    /// Starts it again.
    pub fn start_instance(&self, id: &str) {
        self.account(|account, _| {
            if let Some(entry) = account.ec2.instances.get_mut(id) {
                entry.instance.state = InstanceState::Running;
                entry.machine.send_modify(|machine| machine.up = true);
            }
        });
    }

    /// Reboots it: its scripts end and its mounts are gone, while its state stays `running`.
    pub fn reboot_instance(&self, id: &str) {
        self.halt(id, InstanceState::Running);
    }

    /// Terminates it: its volumes are detached and, where so set, deleted.
    pub fn terminate_instance(&self, id: &str) {
        self.halt(id, InstanceState::Terminated);
        self.account(|account, now| {
            for lagging in account.ec2.volumes.values_mut() {
                let volume = lagging.latest_mut();
                let Some(attached) = volume
                    .attached
                    .take_if(|attached| attached.instance_id == id)
                else {
                    continue;
                };
                if let Some(host) = account.hosts.get(id) {
                    host.detached(&volume.id);
                }
                if attached.delete_on_termination {
                    volume.gone_at = Some(now);
                }
            }
        });
    }

    /// Has AWS forget a terminated instance, as it does after about an hour.
    pub fn forget_instance(&self, id: &str) {
        self.account(|account, _| account.ec2.instances.remove(id));
    }

    fn halt(&self, id: &str, state: InstanceState) {
        self.account(|account, now| {
            let Some(entry) = account.ec2.instances.get_mut(id) else {
                return;
            };
            // What is terminated stays so.
            if entry.instance.state == InstanceState::Terminated {
                return;
            }
            entry.instance.state = state;
            entry.machine.send_modify(|machine| {
                machine.up = state == InstanceState::Running;
                machine.terminated = state == InstanceState::Terminated;
                machine.boots += 1;
            });
            if let Some(host) = account.hosts.get(id) {
                host.halted();
            }
            account.ec2.restart_guest(id, now);
            account.settle(now);
        });
    }

    /// Has the SSM agent of an instance answer or fall silent. Scripts run on either way.
    pub fn set_agent(&self, instance_id: &str, answers: bool) {
        self.account(|account, _| {
            if let Some(entry) = account.ec2.instances.get_mut(instance_id) {
                entry.machine.send_modify(|machine| machine.agent = answers);
            }
        });
    }

    /// Cancels a command, as somebody may in the console.
    pub fn cancel_by_hand(&self, command_id: &str) {
        self.account(|account, _| account.ssm.cancel(command_id));
    }

    /// Sends a gauge to Datadog, as somebody else might.
    pub fn point_by_hand(&self, metric: &str, value: f64) {
        self.account(|account, now| {
            let timestamp = super::clock::unix_seconds(now);
            let key = (metric.to_owned(), Vec::new(), timestamp);
            account.datadog.points.insert(key, value);
        });
    }

    pub(super) fn note_reboot(&self, command: &Command) {
        let what = format!(
            "ssm: {} exited 194, which reboots the instance",
            command.document
        );
        locked(&self.inner.log).unmodelled.push(what);
    }
}
