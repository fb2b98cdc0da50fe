"""The supervisor of one build: `python -m sig_workers.builders.job FOLDER`, in a session of its own.

Steps: fetch the exact bases, name them as the Containerfile does, build inside the fence, run the smoke command inside
the fence, push or keep. A login exists as a file only while a pull or a push runs, never while anything of the Containerfile
does. At the end everything but log, state and a result to keep is
removed.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from sig_bots.refs import Digest, Platform
from sig_bots.tools import BuildStatus
from sig_workers.builders.authfile import AuthFile
from sig_workers.builders.bases import bases_of, host_platform
from sig_workers.builders.failures import HISTORY, Cancelled, StepFailed, explain, in_containerfile
from sig_workers.builders.fence import DROPPED, fence
from sig_workers.builders.order import LEFT, RESULT, Kept, Logins, Order, write_status
from sig_workers.builders.steps import Steps, remove_builds

__all__ = ["Job", "main"]


class Job:
    """One build, run from start to end in this process."""

    def __init__(self, folder: Path, order: Order, logins: Logins) -> None:
        self.folder = folder
        self.order = order
        self.spec = order.spec
        self.logins = logins
        self.steps = Steps(folder, order.limits, order.spec.time_limit.total_seconds())

    def run(self) -> BuildStatus:
        """Build, check and push. Raises StepFailed, Cancelled."""
        self._settings()
        if not self.order.fenced:
            self.steps.say(
                "This host cannot fence builds off (no namespaces); the build runs with the service's own network."
            )
        platforms: tuple[Platform | None, ...] = self.spec.platforms or (None,)
        images = []
        for number, platform in enumerate(platforms):
            self.steps.say(f"Building {self.spec.image} for {platform or 'this host'}")
            self._bases(number, platform)
            images.append(self._build(number, platform))
            if self.spec.smoke and _native(platform):
                self._smoke(number, images[-1])
            elif self.spec.smoke:
                self.steps.say(f"No smoke test for {platform}: this host cannot run its programs")
        if self.spec.keep:
            return self._keep(images)
        if not self.spec.push:
            return BuildStatus(state="success")
        digest = self._push(images[0]) if len(images) == 1 else self._push_index(images)
        return BuildStatus(state="success", digest=digest, platforms=self._published(digest))

    # ------------------------------------------------------------ steps

    def _bases(self, number: int, platform: Platform | None) -> None:
        wanted = bases_of(self._recipe(), platform or host_platform(), self.spec.bases, self.order.kept)
        for text, base in wanted.items():
            image = self._take(number, platform, base) if isinstance(base, Kept) else self._pull(number, platform, base)
            if "@" not in text:
                self.steps.run([*self._buildah(number), "tag", image, text], f"The base {text} cannot be named so")

    def _take(self, number: int, platform: Platform | None, base: Kept) -> str:
        """An earlier build's result, into the storage of this one: nothing but finished layers comes over."""
        wanted = platform or host_platform()
        if str(wanted) not in base.platforms:
            made_for = ", ".join(base.platforms)
            raise StepFailed(f"The base {base.image} was built for {made_for} just before, not for {wanted}.")
        self.steps.say(f"Using {base.image} as built just before")
        output = self.steps.run(
            [*self._buildah(number), "pull", "--quiet", base.place(wanted)],
            f"The base {base.image}, built just before, cannot be read",
            show=False,
        )
        return output.strip().splitlines()[-1]

    def _pull(self, number: int, platform: Platform | None, exact: str) -> str:
        which = ["--platform", str(platform)] if platform else []
        with self._auth(dict(self.logins.pull)) as auth:
            output = self.steps.run(
                [*self._buildah(number), "pull", "--quiet", "--policy", "always", *auth, *which, exact],
                f"The base {exact} cannot be pulled",
                show=False,
            )
        image = output.strip().splitlines()[-1]
        if platform is not None:
            made_for = self.steps.run(
                [*self._buildah(number), "inspect", "--type", "image", "--format", "{{.OCIv1.Architecture}}", image],
                f"The base {exact} cannot be read",
                show=False,
            ).strip()
            if made_for != platform.architecture:
                raise StepFailed(f"The base {exact} is for {made_for}, not for {platform}.")
        return image

    def _build(self, number: int, platform: Platform | None) -> str:
        spec = self.spec
        identity = self.folder / f"image-{number}"
        options = [f"--cap-drop={name}" for name in DROPPED]
        options += [word for name, value in sorted(spec.labels.items()) for word in ("--label", f"{name}={value}")]
        if platform:
            options += ["--platform", str(platform)]
        if spec.created is not None:
            options += ["--timestamp", str(int(spec.created.timestamp()))]
        try:
            self.steps.run(
                [
                    *self._fence(network=spec.network), *self._buildah(number), "bud", "--isolation", "chroot",
                    "--pull=never", "--no-cache", "--http-proxy=false", "--format", "oci", *options,
                    "--iidfile", str(identity), "--file", str(spec.root / spec.containerfile),
                    str(spec.root / spec.context),
                ],
                "The build failed",
            )  # fmt: skip
        except StepFailed as error:
            if HISTORY in error.output:
                raise StepFailed(self._short_history(number)) from None
            raise in_containerfile(error, self._recipe(), self.folder / "log", network=spec.network) from None
        return identity.read_text().strip()

    def _short_history(self, number: int) -> str:
        """Which base buildah cannot build on. The history of an image is optional, but one that has some must be whole."""
        for text in bases_of(self._recipe(), self._platform(number), self.spec.bases, self.order.kept):
            template = "{{len .OCIv1.RootFS.DiffIDs}} {{range .OCIv1.History}}{{if not .EmptyLayer}}x{{end}}{{end}}"
            found = self.steps.run(
                [*self._buildah(number), "inspect", "--type", "image", "--format", template, text],
                f"The base {text} cannot be read",
                show=False,
            ).split()
            layers, told = int(found[0]), len("".join(found[1:]))
            if layers != told:
                return (
                    f"The base {text} has {layers} layers, but its history tells of {told}, and buildah cannot build on "
                    f"such an image; build it anew on a base whose history is whole."
                )
        return "A base has fewer entries in its history than layers, and buildah cannot build on such an image."

    def _smoke(self, number: int, image: str) -> None:
        self.steps.say(f"Smoke test: {' '.join(self.spec.smoke)}")
        container = f"smoke-{number}"
        dropped = [f"--cap-drop={name}" for name in DROPPED]
        self.steps.run(
            [*self._buildah(number), "from", "--pull=never", "--name", container, image],
            "The smoke test could not be prepared",
            show=False,
        )
        self.steps.run(
            [*self._fence(network=False), *self._buildah(number), "run", "--isolation", "chroot", *dropped, container, "--",
             *self.spec.smoke],
            "The image was built, but its smoke test failed",
        )  # fmt: skip

    def _keep(self, images: list[str]) -> BuildStatus:
        """Put the images where later builds of the job find them."""
        digests = {}
        file = self.folder / "digest"
        platforms = tuple(str(platform) for platform in self.spec.platforms) or (str(host_platform()),)
        result = Kept(layout=self.folder / RESULT, image=str(self.spec.image), platforms=platforms)
        for number, (image, platform) in enumerate(zip(images, platforms, strict=True)):
            self.steps.run(
                [*self._buildah(number), "push", "--quiet", "--digestfile", str(file), image,
                 result.place(Platform.parse(platform))],
                "The image cannot be kept",
                show=False,
            )  # fmt: skip
            digests[platform] = file.read_text().strip()
        only = next(iter(digests.values())) if len(digests) == 1 else None
        return BuildStatus(state="success", digest=only, platforms=digests)

    def _push(self, image: str) -> Digest:
        return self._pushed(["push"], image)

    def _push_index(self, images: list[str]) -> Digest:
        name = "localhost/index"
        self.steps.run([*self._buildah(0), "manifest", "create", name], "The index could not be made", show=False)
        for number, image in enumerate(images):
            layout = f"oci:{self.folder / 'layout'}:{number}"
            self.steps.run(
                [*self._buildah(number), "push", "--quiet", image, layout], "The index could not be made", show=False
            )
            self.steps.run(
                [*self._buildah(0), "manifest", "add", name, layout], "The index could not be made", show=False
            )
        return self._pushed(["manifest", "push", "--all"], name)

    def _pushed(self, command: list[str], what: str) -> Digest:
        target = self.spec.image.with_tag(self.spec.image.tag or "latest")
        digests = self.folder / "digest"
        # Said outright: `manifest push` of buildah 1.28 ends with 0 and pushes nothing when only registries.conf says it.
        verify = f"--tls-verify={str(target.registry not in self.order.insecure_hosts).lower()}"
        with self._auth(dict(self.logins.push)) as auth:
            self.steps.run(
                [
                    *self._buildah(0),
                    *command,
                    "--quiet",
                    verify,
                    *auth,
                    "--digestfile",
                    str(digests),
                    what,
                    f"docker://{target}",
                ],
                f"{target} cannot be pushed",
            )
        digest = digests.read_text().strip()
        if not digest:
            raise StepFailed(f"{target} cannot be pushed: the registry {target.registry} is not reachable over https.")
        return digest

    def _published(self, digest: Digest) -> dict[str, Digest]:
        """What the registry itself says about the digest that was pushed."""
        from sig_workers.registries.auth import Login
        from sig_workers.registries.factory import push_reader

        logins = {host: Login.from_base64(text) for host, text in self.logins.push.items()}
        client = push_reader(logins, self.order.insecure_hosts, self.order.ca_files)
        found = client.manifest(self.spec.image.with_tag(None, digest))
        if found is None:
            raise StepFailed(f"{self.spec.image} was pushed, but the registry does not have {digest}.")
        return dict(found.platforms) or {
            str(self.spec.platforms[0] if self.spec.platforms else host_platform()): digest
        }

    # ------------------------------------------------------------ parts of commands

    def _recipe(self) -> bytes:
        return (self.spec.root / self.spec.containerfile).read_bytes()

    def _platform(self, number: int) -> Platform:
        return self.spec.platforms[number] if self.spec.platforms else host_platform()

    def _buildah(self, number: int) -> list[str]:
        """buildah on the storage of one platform. Apart, because names and digests would get mixed up in one."""
        storage = self.folder / "storage" / str(number)
        return [self.order.buildah, "--root", f"{storage}/root", "--runroot", f"{storage}/run",
                "--storage-driver", self.order.storage_driver]  # fmt: skip

    def _fence(self, *, network: bool) -> list[str]:
        return fence(self.order.buildah, network=network) if self.order.fenced else []

    def _auth(self, logins: dict[str, str]) -> AuthFile:
        return AuthFile(self.folder / "auth.json", logins)

    def _settings(self) -> None:
        rows = ['unqualified-search-registries = ["docker.io"]', 'short-name-mode = "disabled"']
        for host in self.order.insecure_hosts:
            rows += ["[[registry]]", f'prefix = "{host}"', f'location = "{host}"', "insecure = true"]
        for registry, location in self.order.mirrors.items():
            insecure = location.partition("/")[0] in self.order.insecure_hosts
            rows += [
                "[[registry]]",
                f'prefix = "{registry}"',
                f'location = "{location}"',
                f"insecure = {str(insecure).lower()}",
            ]
        (self.folder / "registries.conf").write_text("\n".join(rows) + "\n")
        # A newer buildah sets limits of its own for RUN, which fails where they exceed ours and ours may not be raised.
        ours = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
        limits = [f'"{name}={hard}:{hard}"' for name, kind in ours.items() if (hard := resource.getrlimit(kind)[1]) > 0]
        (self.folder / "containers.conf").write_text(f"[containers]\ndefault_ulimits = [{', '.join(limits)}]\n")


def _native(platform: Platform | None) -> bool:
    return platform is None or platform.architecture == host_platform().architecture


def main(folder: Path) -> None:
    """Run the build whose order lies in the folder; logins come on standard input; the state is written at the end."""
    order = Order.model_validate_json((folder / "order.json").read_bytes())
    job = Job(folder, order, Logins.model_validate_json(sys.stdin.buffer.read()))
    try:
        status = job.run()
    except Cancelled:
        status = BuildStatus(state="cancelled", reason="The build was cancelled.")
    except StepFailed as error:
        status = BuildStatus(state="failed", reason=str(error), line=error.line)
    except Exception as error:
        status = BuildStatus(state="failed", reason=explain(error))
    job.steps.say({"success": "Done."}.get(status.state, status.reason))
    left = LEFT if status.state == "success" else (*LEFT, RESULT)
    remove_builds(order.buildah, [folder / name for name in left])
    write_status(folder, status)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
