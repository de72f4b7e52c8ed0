//! Addresses of pages of AWS's console.

use crate::time::Timestamp;

/// The console of one region.
#[derive(Clone, Debug)]
pub struct Console {
    region: String,
    domain: &'static str,
}

impl Console {
    /// That of this region. Partitions have consoles of their own.
    #[must_use]
    pub fn of(region: &str) -> Self {
        let domain = match region {
            _ if region.starts_with("cn-") => "console.amazonaws.cn",
            _ if region.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
            _ => "console.aws.amazon.com",
        };
        let region = region.to_owned();
        Self { region, domain }
    }

    fn home(&self, service: &str) -> String {
        let Self { region, domain } = self;
        format!("https://{region}.{domain}/{service}/home?region={region}#")
    }

    /// The lines of a function's log that have this id, since then.
    // The console encodes twice what stands in its fragment, and writes $ for %.
    #[must_use]
    pub fn log(&self, function: &str, id: &str, since: Timestamp) -> String {
        let since = since.unix_seconds() * 1000;
        format!(
            "{}logsV2:log-groups/log-group/$252Faws$252Flambda$252F{function}/log-events\
             $3FfilterPattern$3D$2522{id}$2522$26start$3D{since}",
            self.home("cloudwatch")
        )
    }

    /// A snapshot's page.
    #[must_use]
    pub fn snapshot(&self, id: &str) -> String {
        format!("{}SnapshotDetails:snapshotId={id}", self.home("ec2"))
    }
}

#[cfg(test)]
mod tests {
    use super::Console;

    #[test]
    fn each_partition_has_its_console() {
        for (region, begins) in [
            (
                "eu-west-1",
                "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#",
            ),
            (
                "cn-north-1",
                "https://cn-north-1.console.amazonaws.cn/ec2/home?region=cn-north-1#",
            ),
            (
                "us-gov-west-1",
                "https://us-gov-west-1.console.amazonaws-us-gov.com/ec2/home?region=us-gov-west-1#",
            ),
        ] {
            let page = Console::of(region).snapshot("snap-1");
            let begins = format!("{begins}SnapshotDetails:snapshotId=snap-1");
            assert_eq!(page, begins);
        }
    }
}
