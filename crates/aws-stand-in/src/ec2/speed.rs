//! How fast a volume may be asked to be.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html>,
//! <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html>

use super::query::Query;
use crate::error_response::ErrorResponse;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speed {
    /// Requests a second.
    pub iops: Option<u32>,
    /// MiB/s.
    pub throughput: Option<u32>,
    /// MiB/s at which the blocks come from the snapshot.
    pub initialization_rate: Option<u32>,
}

/// What EC2 takes for one type.
struct Type {
    name: &'static str,
    gib: (u32, u32),
    /// At least, at most, and at most for each GiB; none where EC2 has no such parameter.
    iops: Option<(u32, u32, u32)>,
    must_have_iops: bool,
    throughput: Option<(u32, u32)>,
}

const TYPES: [Type; 7] = [
    Type {
        throughput: Some((125, 2000)),
        ..ssd("gp3", (1, 65_536), (3000, 80_000, 500), false)
    },
    ssd("io1", (4, 16_384), (100, 64_000, 50), true),
    ssd("io2", (4, 65_536), (100, 256_000, 1000), true),
    plain("gp2", (1, 16_384)),
    plain("st1", (125, 16_384)),
    plain("sc1", (125, 16_384)),
    plain("standard", (1, 1024)),
];

const fn plain(name: &'static str, gib: (u32, u32)) -> Type {
    Type {
        name,
        gib,
        iops: None,
        must_have_iops: false,
        throughput: None,
    }
}

const fn ssd(name: &'static str, gib: (u32, u32), iops: (u32, u32, u32), must: bool) -> Type {
    Type {
        iops: Some(iops),
        must_have_iops: must,
        ..plain(name, gib)
    }
}

impl Speed {
    pub(super) fn read(query: &mut Query) -> Result<Self, ErrorResponse> {
        Ok(Self {
            iops: query.parse("Iops")?,
            throughput: query.parse("Throughput")?,
            initialization_rate: query.parse("VolumeInitializationRate")?,
        })
    }

    /// Whether EC2 makes such a volume of this type and size.
    pub(super) fn check(self, volume_type: &str, size_gib: u32) -> Result<(), ErrorResponse> {
        let Some(of) = TYPES.iter().find(|of| of.name == volume_type) else {
            let message = format!("Value ({volume_type}) for parameter volumeType is invalid.");
            return Err(ErrorResponse::new("InvalidParameterValue", message));
        };
        between(&format!("{volume_type} volume size"), size_gib, of.gib)?;
        if let Some(rate) = self.initialization_rate {
            between("volume initialization rate", rate, (100, 300))?;
        }
        self.check_iops(of, size_gib)?;
        self.check_throughput(of)
    }

    fn check_iops(self, of: &Type, size_gib: u32) -> Result<(), ErrorResponse> {
        let (Some(iops), Some((least, most, for_each))) = (self.iops, of.iops) else {
            if self.iops.is_some() {
                let message = format!(
                    "The parameter iops is not supported for {} volumes.",
                    of.name
                );
                return combination(message);
            }
            if of.must_have_iops {
                let message = "The request must contain the parameter iops";
                return Err(ErrorResponse::new("MissingParameter", message));
            }
            return Ok(());
        };
        between("volume iops", iops, (least, most))?;
        // A small volume may have the least of its type.
        if iops > least && iops > for_each.saturating_mul(size_gib) {
            let ratio = f64::from(iops) / f64::from(size_gib);
            let message = format!(
                "Iops to volume size ratio of {ratio:.6} is too high; maximum is {for_each}.000000 iops per GiB"
            );
            return combination(message);
        }
        Ok(())
    }

    fn check_throughput(self, of: &Type) -> Result<(), ErrorResponse> {
        let Some(throughput) = self.throughput else {
            return Ok(());
        };
        let Some(range) = of.throughput else {
            let message = "throughput can only be specified for volumeType gp3.";
            return combination(message.to_owned());
        };
        between("volume throughput", throughput, range)?;
        let iops = self.iops.unwrap_or(3000);
        if throughput * 4 > iops {
            let ratio = f64::from(throughput) / f64::from(iops);
            let message = format!(
                "Throughput (MiBps) to iops ratio of {ratio:.6} is too high; maximum is 0.250000 MiBps per iops."
            );
            return combination(message);
        }
        Ok(())
    }
}

fn combination(message: String) -> Result<(), ErrorResponse> {
    Err(ErrorResponse::new("InvalidParameterCombination", message))
}

fn between(what: &str, value: u32, (least, most): (u32, u32)) -> Result<(), ErrorResponse> {
    let message = if value < least {
        format!("The {what} of {value} is too low; minimum is {least}.")
    } else if value > most {
        format!("The {what} of {value} is too high; maximum is {most}.")
    } else {
        return Ok(());
    };
    Err(ErrorResponse::new("InvalidParameterValue", message))
}
