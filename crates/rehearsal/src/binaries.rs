//! The code of the functions: what cargo built, or the zips that Lambda would get.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::arguments::Arguments;
use super::command::{run, text};
use aws_stand_in::template::{Function, TEMPLATE};

/// A template, and where the code is that it speaks of.
pub(super) struct Code {
    /// The template's text.
    pub template: String,
    folder: PathBuf,
    zipped: bool,
}

impl Code {
    /// What the arguments ask for.
    #[expect(clippy::print_stdout, reason = "a program tells people what it does")]
    pub(super) fn of(arguments: &Arguments) -> anyhow::Result<Self> {
        let Some(folder) = &arguments.zips else {
            let folder = match &arguments.binaries {
                Some(folder) => folder.clone(),
                None => beside()?,
            };
            return Ok(Self {
                template: TEMPLATE.to_owned(),
                folder,
                zipped: false,
            });
        };
        let architecture = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            other => other,
        };
        let path = folder.join(format!("template-{architecture}.yaml"));
        let shown = path.display();
        let template = std::fs::read_to_string(&path).with_context(|| {
            format!("{shown}: make package ARCHITECTURE={architecture} makes it")
        })?;
        println!("deploying {shown} and its zips");
        Ok(Self {
            template,
            folder: folder.clone(),
            zipped: true,
        })
    }

    /// The program of each function, by its name. Zips are unpacked into folders in `into` first.
    pub(super) fn programs(
        &self,
        functions: &[Function],
        into: &Path,
    ) -> anyhow::Result<BTreeMap<String, PathBuf>> {
        let programs = functions.iter().map(|function| {
            let program = self.program(function, &into.join(&function.name))?;
            Ok((function.name.clone(), program))
        });
        programs.collect()
    }

    fn program(&self, function: &Function, into: &Path) -> anyhow::Result<PathBuf> {
        if !self.zipped {
            return Ok(self.folder.join(&function.binary));
        }
        let zip = text(&self.folder.join(&function.code_uri));
        run("unzip", &["-q", &zip, "-d", &text(into)])?;
        Ok(into.join("bootstrap"))
    }
}

/// The folder of this program.
fn beside() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().context("no folder")?.to_owned())
}
