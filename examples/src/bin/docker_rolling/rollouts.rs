use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use immutable_core::planner::Conclusion;
use immutable_lab::{Haproxy, Load, LoadOptions, LoadReport, WebBinary};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::Cli;
use crate::images::Images;
use crate::run_folder::RunFolder;
use crate::site::Site;
use crate::{Failed, proxy};

/// One run from the first image to the last container, on the engine at this socket.
pub(crate) fn run_all(cli: &Cli, socket: &Path, web: &WebBinary) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let cancel = CancellationToken::new();
    runtime.spawn(cancel_on_signal(cancel.clone()));
    let folder = RunFolder::open(cli)?;
    println!("the journals are in {}", folder.path().display());
    let proxy = match proxy::start(&folder) {
        Ok(proxy) => proxy,
        Err(error) => {
            folder.close()?;
            return Err(error);
        }
    };
    let result = runtime.block_on(async {
        let site = Site::connect(socket, &proxy, folder.path(), cli.containers).await?;
        if !cli.resume && site.containers().await? > 0 {
            // They carry the tokens of the run that launched them; this run must not take them for its own.
            println!("removing what an earlier run left behind:");
            site.remove_containers().await?;
        }
        let images = Images::bake(socket, web, folder.path()).await?;
        let done = roll(cli, &site, &images, &proxy, &cancel).await;
        // In any case: nothing of this run stays on the engine.
        site.remove_containers().await?;
        images.remove().await?;
        done
    });
    drop(proxy);
    folder.close()?;
    result
}

async fn roll(
    cli: &Cli,
    site: &Site,
    images: &Images,
    proxy: &Haproxy,
    cancel: &CancellationToken,
) -> Result<(), Failed> {
    let began = Instant::now();
    let rolled = async {
        let mut result = roll_all(site, images, cancel).await;
        if result.is_err() {
            if cancel.is_cancelled() {
                println!("\nstopping …");
                result = Err("interrupted; everything that was started is removed".into());
            }
            // The other branch may wait for a container that never comes.
            cancel.cancel();
        }
        result
    };
    let (rolled, load) = tokio::join!(rolled, load(cli, site, proxy, cancel));
    let report = match load? {
        Some(load) => tokio::task::spawn_blocking(move || load.stop()).await?,
        None => LoadReport::default(),
    };
    println!("\n== the requests meanwhile\n\n{report}");
    rolled?;
    println!("took {:.1} s", began.elapsed().as_secs_f64());
    if report.is_flawless() { Ok(()) } else { Err("requests were lost or cut".into()) }
}

/// The three rollouts, one after the other. Those that the journals know are over at once.
async fn roll_all(site: &Site, images: &Images, cancel: &CancellationToken) -> Result<(), Failed> {
    let [v1, v2, v3] = images.digests;
    let versions: BTreeMap<_, _> =
        (1..).zip(images.digests).map(|(number, digest)| (digest, format!("v{number}"))).collect();
    let acts = [
        ("first-v1", v1, "the first deployment", true),
        ("v1-to-v2", v2, "v2 replaces v1", true),
        ("v2-to-v3", v3, "v3 never gets healthy, and v2 stays", false),
    ];
    for (name, image, title, is_good) in acts {
        println!("\n== {title}\n");
        let began = Instant::now();
        let conclusion = site.roll_out(name, image, &versions, cancel).await?;
        println!("\n  outcome after {:.1} s: {conclusion}", began.elapsed().as_secs_f64());
        let expected = match conclusion {
            Conclusion::Completed => is_good,
            Conclusion::RolledBack { .. } => !is_good,
            _ => false,
        };
        if !expected {
            return Err(format!("{name} did not end as it should").into());
        }
    }
    site.ensure_all_on(v2).await
}

/// Starts to send requests as soon as there is somebody to answer them.
async fn load(
    cli: &Cli,
    site: &Site,
    proxy: &Haproxy,
    cancel: &CancellationToken,
) -> Result<Option<Load>, Failed> {
    tokio::select! {
        serving = site.serving() => serving?,
        () = cancel.cancelled() => return Ok(None),
    }
    Ok(Some(Load::start(proxy.addr(), LoadOptions { rate: cli.rate, ..LoadOptions::default() })?))
}

/// Ctrl-C and its like stop the rollout; what was started is removed on the ordinary way out.
async fn cancel_on_signal(cancel: CancellationToken) {
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    cancel.cancel();
}
