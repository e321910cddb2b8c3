//! `sentinel backup` and `sentinel restore`: both stores, the components and this machine's broker in one file.
//!
//! The file is a tar archive; its first entry is a manifest with the size and SHA-256 of each other one. The hot store
//! is copied before the warehouse: a row that was archived in between is in both, and archiving it again changes
//! nothing; the other way round it could be in neither. The broker's account comes after the hot store, too: an order that
//! the account alone knows is found by its intent, one that the hot store alone knows would be lost.
//!
//! A folder of backups is a row of points in time to go back to: [`points`].

mod points;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use sentinel_domain::candles::format_time;
use sentinel_domain::environment::Environment;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::args::{BackupArgs, RestoreArgs};
use crate::failure::usage;
use crate::format::bytes;
use crate::home::{self, Home};
use crate::laptop::{Laptop, block_on, documents_path, warehouse_path};
use crate::local_broker;
use crate::output::Output;
use crate::simulated_time::SimulatedTime;

const MANIFEST: &str = "manifest.json";
const HOT: &str = "hot.sqlite";
const COLD: &str = "warehouse.duckdb";
const COMPONENTS: &str = "components/";
/// The account of this machine's broker, and how far simulated time has come, where there are such.
const BROKER: &str = "broker.sqlite";
const TIME: &str = "simulated-time.json";

/// The form of backups that this release writes and reads.
const FORMAT: u32 = 1;

/// A manifest names some thousand components at most.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    environment: Environment,
    taken_at: String,
    files: BTreeMap<String, FileEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileEntry {
    bytes: u64,
    sha256: String,
}

pub(super) fn backup(args: &BackupArgs, home: &Home, output: &Output) -> Result<()> {
    if args.file.exists() && !args.file.is_dir() {
        return Err(usage(format_args!(
            "{} is there already; name another file, or move it away",
            args.file.display()
        )));
    }
    let laptop = Laptop::open(home, "sentinel backup")?;
    let target = match args.file.is_dir() {
        true => points::file_for(&args.file, laptop.environment, laptop.clock.now()),
        false => args.file.clone(),
    };
    let manifest = {
        let _spinner = output.spinner(format!("writing {}", target.display()));
        take(&laptop, home, &target)?
    };
    report("backed up", &manifest, &target, output)
}

/// Takes a backup into `folder`, named by its time, and deletes all but the last `keep` there.
pub(super) fn take_into(laptop: &Laptop, home: &Home, folder: &Path, keep: usize) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let target = points::file_for(folder, laptop.environment, laptop.clock.now());
    take(laptop, home, &target)?;
    points::forget(folder, laptop.environment, keep)?;
    Ok(target)
}

fn take(laptop: &Laptop, home: &Home, target: &Path) -> Result<Manifest> {
    let beside = parent(target);
    let staging = tempfile::Builder::new().prefix(".backup-").tempdir_in(beside);
    let staging = staging.with_context(|| format!("cannot write to {}", beside.display()))?;
    let files = block_on(copy(laptop, home, &staging))?;
    let manifest = Manifest {
        format: FORMAT,
        environment: laptop.environment,
        taken_at: format_time(laptop.clock.now()),
        files: files.iter().map(|(name, path)| Ok((name.clone(), entry(path)?))).collect::<Result<_>>()?,
    };
    let whole = staging.path().join("whole.tar");
    write(&whole, &manifest, &files)?;
    // Takes the name only when it is free, so that of two backups neither replaces the other.
    fs::hard_link(&whole, target)
        .or_else(|_| take_name(&whole, target))
        .with_context(|| format!("cannot write {}", target.display()))?;
    Ok(manifest)
}

fn take_name(whole: &Path, target: &Path) -> io::Result<()> {
    if target.exists() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there already"));
    }
    fs::rename(whole, target)
}

/// Copies both stores as they are between two writes, and names the components, which never change.
async fn copy(laptop: &Laptop, home: &Home, staging: &TempDir) -> Result<BTreeMap<String, PathBuf>> {
    let hot = staging.path().join(HOT);
    laptop.documents.backup(&hot).await?;
    let mut files = BTreeMap::from([(HOT.to_owned(), hot)]);
    if laptop.warehouse.path().exists() {
        let cold = staging.path().join(COLD);
        laptop.warehouse.copy_to(&cold).await?;
        files.insert(COLD.to_owned(), cold);
    }
    let broker = staging.path().join(BROKER);
    if local_broker::copy_account(&laptop.folder, &broker)? {
        files.insert(BROKER.to_owned(), broker);
    }
    if let Some(time) = SimulatedTime::read(&laptop.folder)? {
        time.write(staging.path())?;
        files.insert(TIME.to_owned(), staging.path().join(TIME));
    }
    let folder = home.components_dir()?;
    for hash in sentinel_domain::components::ComponentStore::list(laptop.components.as_ref()).await? {
        let path = laptop.components.path(hash);
        let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
        files.insert(format!("{COMPONENTS}{name}"), path);
    }
    Ok(files)
}

fn entry(path: &Path) -> Result<FileEntry> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (bytes, sha256) =
        hashed(&mut file, &mut io::sink()).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(FileEntry { bytes, sha256 })
}

/// Copies `from` to `to` and returns how much it was and its hash.
fn hashed(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            let text = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok((total, text));
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        total += count as u64;
    }
}

fn write(whole: &Path, manifest: &Manifest, files: &BTreeMap<String, PathBuf>) -> Result<()> {
    let failed = || "cannot write the backup";
    let text = serde_json::to_vec_pretty(manifest)?;
    let mut archive = tar::Builder::new(File::create(whole).with_context(failed)?);
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o600);
    archive.append_data(&mut header, MANIFEST, text.as_slice()).with_context(failed)?;
    for (name, path) in files {
        archive.append_path_with_name(path, name).with_context(failed)?;
    }
    archive.into_inner().and_then(|file| file.sync_all()).with_context(failed)
}

pub(super) fn restore(args: &RestoreArgs, home: &Home, output: &Output) -> Result<()> {
    let environment = home::environment()?;
    let folder = home.stores_dir(environment)?;
    for path in [documents_path(&folder), warehouse_path(&folder), local_broker::file(&folder)] {
        if path.exists() {
            return Err(usage(format_args!(
                "{} is there already and is not replaced; move it away, or restore into another folder with --data-dir",
                path.display()
            )));
        }
    }
    let file = match (args.file.is_dir(), args.at) {
        (true, at) => points::last_of(&args.file, environment, at)?.file,
        (false, None) => args.file.clone(),
        (false, Some(_)) => {
            return Err(usage("--at chooses among the backups of a folder; name the folder, not a file of it"));
        }
    };
    let beside = parent(&folder);
    fs::create_dir_all(beside).with_context(|| format!("cannot make {}", beside.display()))?;
    let staging = tempfile::Builder::new().prefix(".restore-").tempdir_in(beside);
    let staging = staging.with_context(|| format!("cannot write to {}", beside.display()))?;
    let manifest = {
        let _spinner = output.spinner(format!("reading {}", file.display()));
        unpack(&file, staging.path()).with_context(|| format!("cannot restore {}", file.display()))?
    };
    if manifest.environment != environment {
        return Err(usage(format_args!(
            "{} is a backup of {}; run with ENVIRONMENT={}",
            file.display(),
            manifest.environment,
            manifest.environment
        )));
    }
    put_components(staging.path(), &home.components_dir()?)?;
    put_stores(staging.path(), &folder)?;
    report("restored", &manifest, &folder, output)
}

/// Returns the manifest of the backup `file`, whose parts stay unread.
fn manifest_of(file: &Path) -> Result<Manifest> {
    manifest_in(&mut tar::Archive::new(File::open(file)?).entries().map_err(not_a_backup)?)
}

fn manifest_in(entries: &mut tar::Entries<'_, File>) -> Result<Manifest> {
    let mut first = entries.next().ok_or_else(|| anyhow!("it is empty"))?.map_err(not_a_backup)?;
    if first.path().map_err(not_a_backup)?.as_os_str() != MANIFEST {
        return Err(anyhow!("it is no backup of sentinel: it does not begin with {MANIFEST}"));
    }
    let mut text = String::new();
    (&mut first).take(MANIFEST_BYTES_MAX).read_to_string(&mut text).map_err(not_a_backup)?;
    let manifest: Manifest = serde_json::from_str(&text).context("its manifest cannot be read")?;
    if manifest.format > FORMAT {
        return Err(anyhow!(
            "it has format {}, this release reads up to {FORMAT}: use the newer release",
            manifest.format
        ));
    }
    Ok(manifest)
}

/// Unpacks a backup into `folder`; every file must be what the manifest says, and no other is taken.
fn unpack(file: &Path, folder: &Path) -> Result<Manifest> {
    let mut archive = tar::Archive::new(File::open(file)?);
    let mut entries = archive.entries().map_err(not_a_backup)?;
    let manifest = manifest_in(&mut entries)?;
    fs::create_dir_all(folder.join(COMPONENTS))?;
    let mut missing = manifest.files.clone();
    for entry in entries {
        let mut entry = entry.map_err(not_a_backup)?;
        let name = entry.path().map_err(not_a_backup)?.display().to_string();
        let expected = missing.remove(&name).ok_or_else(|| anyhow!("{name} is not in its manifest"))?;
        if !is_ours(&name) {
            return Err(anyhow!("{name} is no name of a file in a backup"));
        }
        let mut target = File::create_new(folder.join(&name))?;
        let (bytes, sha256) = hashed(&mut entry, &mut target).map_err(not_a_backup)?;
        target.sync_all()?;
        if (FileEntry { bytes, sha256 }) != expected {
            return Err(anyhow!("{name} is damaged: it is not what the manifest says"));
        }
    }
    match missing.keys().next() {
        Some(name) => Err(anyhow!("{name} is missing: the file is not whole")),
        None => Ok(manifest),
    }
}

/// Whether a name is one that a backup has, and so no way out of its folder.
fn is_ours(name: &str) -> bool {
    let is_component = |rest: &str| !rest.contains(['/', '\\']) && rest.ends_with(".wasm");
    [HOT, COLD, BROKER, TIME].contains(&name) || name.strip_prefix(COMPONENTS).is_some_and(is_component)
}

fn not_a_backup(error: io::Error) -> anyhow::Error {
    anyhow!("it is not a whole backup: {error}")
}

/// Components first, so that no version is there without its own. One that is there already is the same.
fn put_components(staging: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for entry in fs::read_dir(staging.join(COMPONENTS))? {
        let entry = entry?;
        let target = folder.join(entry.file_name());
        fs::rename(entry.path(), &target).with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// The hot store last: a restore that is cut off leaves no hot store, and can be made again.
fn put_stores(staging: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (broker, time) = (local_broker::file(folder), folder.join(TIME));
    for (name, target) in
        [(TIME, time), (BROKER, broker), (COLD, warehouse_path(folder)), (HOT, documents_path(folder))]
    {
        let from = staging.join(name);
        if from.exists() {
            fs::rename(&from, &target).with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn report(what: &str, manifest: &Manifest, place: &Path, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(&json!({ "place": place, "manifest": manifest }));
    }
    let size = manifest.files.values().map(|file| file.bytes).sum();
    let components = manifest.files.keys().filter(|name| name.starts_with(COMPONENTS)).count();
    output.line(format!(
        "{} of {} {what}: {}, {} and {}, as of {}.",
        output.bold(&place.display().to_string()),
        manifest.environment,
        bytes(size),
        if manifest.files.contains_key(COLD) { "both stores" } else { "the hot store" },
        crate::format::counted(components, "component"),
        manifest.taken_at
    ))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
