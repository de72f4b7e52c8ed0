//! What can be wrong with an instance's guest: no calls, so nothing authorises, lags or is logged.

use super::Aws;
use super::ec2::Guest;

impl Aws {
    /// Has the guest hold a device name, as one that lost a mounted volume of that name, until it
    /// is restarted.
    pub fn hold_device_name(&self, instance_id: &str, device: &str) {
        self.guest(instance_id, |guest| guest.hold(device));
    }

    /// Has the guest hold the name of each volume that is taken away while it is mounted.
    pub fn hold_device_names(&self, instance_id: &str) {
        self.guest(instance_id, |guest| guest.holds_names = true);
    }

    /// How many volumes an instance takes, those that it has among them; `None`: any number.
    pub fn set_most_volumes(&self, instance_id: &str, most: Option<usize>) {
        self.guest(instance_id, |guest| guest.most_volumes = most);
    }

    /// Whether the guest holds a device name whose volume is gone.
    #[must_use]
    pub fn holds_device_name(&self, instance_id: &str, device: &str) -> bool {
        let mut holds = false;
        self.guest(instance_id, |guest| holds = guest.holds(device));
        holds
    }

    fn guest(&self, instance_id: &str, change: impl FnOnce(&mut Guest)) {
        self.account(|account, _| {
            let guests = &mut account.ec2.guests;
            change(guests.entry(instance_id.to_owned()).or_default());
        });
    }
}
