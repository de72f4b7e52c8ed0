//! How fast a test volume is to be.

use std::fmt;

use aws_sdk_ec2::types::VolumeType;

use crate::settings::Settings;

/// What is asked of EC2; where nothing is said, EC2 has its defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Performance {
    /// `gp3` and the like.
    pub volume_type: Option<VolumeType>,
    /// Requests a second.
    pub iops: Option<i32>,
    /// MiB/s that the volume gives.
    pub throughput: Option<i32>,
    /// MiB/s at which its blocks come from the snapshot.
    pub initialization_rate: Option<i32>,
}

impl Performance {
    /// From the variables; an empty one says nothing.
    pub fn read(settings: &mut Settings<'_>) -> Self {
        let volume_type = settings.text_or_empty("VOLUME_TYPE");
        Self {
            volume_type: volume_type.map(|kind| kind.as_str().into()),
            iops: settings.number_or_empty("VOLUME_IOPS"),
            throughput: settings.number_or_empty("VOLUME_THROUGHPUT"),
            initialization_rate: settings.number_or_empty("VOLUME_INITIALIZATION_RATE"),
        }
    }
}

impl fmt::Display for Performance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.volume_type.as_ref();
        f.write_str(kind.map_or("EC2's default type", VolumeType::as_str))?;
        if let Some(iops) = self.iops {
            write!(f, ", {iops} IOPS")?;
        }
        if let Some(throughput) = self.throughput {
            write!(f, ", {throughput} MiB/s")?;
        }
        if let Some(rate) = self.initialization_rate {
            write!(f, ", initialized at {rate} MiB/s")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Performance, VolumeType};
    use crate::settings::Settings;

    #[test]
    fn what_is_set_is_asked_for_and_told() {
        for (iops, told) in [
            (
                "4000",
                "gp3, 4000 IOPS, 500 MiB/s, initialized at 200 MiB/s",
            ),
            ("", "gp3, 500 MiB/s, initialized at 200 MiB/s"),
        ] {
            let variables = [
                ("VOLUME_TYPE", "gp3"),
                ("VOLUME_IOPS", iops),
                ("VOLUME_THROUGHPUT", "500"),
                ("VOLUME_INITIALIZATION_RATE", "200"),
            ];
            let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let variables = variables.into_iter().collect();
            let mut settings = Settings::new(&variables);
            let read = Performance::read(&mut settings);
            settings.check().expect("all of it can be read");
            assert_eq!(read.volume_type, Some(VolumeType::Gp3));
            assert_eq!(read.iops, iops.parse().ok());
            assert_eq!(read.to_string(), told);
        }
        assert_eq!(Performance::default().to_string(), "EC2's default type");
    }
}
