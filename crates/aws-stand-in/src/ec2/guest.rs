//! What the guest of an instance makes of attachments: it takes only so many volumes, and one
//! device name once.
//!
//! `/dev/sdX` and `/dev/xvdX` are one name to a Xen guest. EC2 takes the second of them all the same,
//! and the attachment never ends: <https://github.com/joeduffy/blocker/pull/1>. So does one under a
//! name that the guest still holds, since a volume was taken away while it was mounted, until the
//! instance is rebooted: <https://github.com/kubernetes/kubernetes/issues/31891>.

use std::collections::BTreeSet;

/// One instance's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guest {
    /// It holds the name of a volume that is taken away while it is mounted.
    pub holds_names: bool,
    /// Names that it has not let go of, without what stands before the letters.
    held: BTreeSet<String>,
    /// How many volumes it takes.
    pub most_volumes: Option<usize>,
}

/// What a device name is to the guest: its letters.
pub(super) fn letters(device: &str) -> &str {
    let prefixes = ["/dev/sd", "/dev/xvd"].into_iter();
    let mut rest = prefixes.filter_map(|prefix| device.strip_prefix(prefix));
    rest.next().unwrap_or(device)
}

impl Guest {
    pub fn hold(&mut self, device: &str) {
        self.held.insert(letters(device).to_owned());
    }

    pub fn holds(&self, device: &str) -> bool {
        self.held.contains(letters(device))
    }

    /// It was restarted, and holds nothing.
    pub fn restart(&mut self) {
        self.held.clear();
    }

    /// A volume of that name is taken away, perhaps one that is mounted.
    pub fn lose(&mut self, device: &str, mounted: bool) {
        if self.holds_names && mounted {
            self.hold(device);
        }
    }
}
