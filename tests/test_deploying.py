"""What is in `deploy/` agrees with the program, and with itself."""

import itertools
import re
import shlex
import shutil
import subprocess
import sys
import tomllib

import click
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from vhashdb_cli.main import cli

from tests.conftest import ROOT
from tests.service.serving import service_with_keys
from vhashdb.service import Listening
from vhashdb.video.confinement import LANDLOCK, LAYERS, SYSTEM_CALLS

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICE = COMPOSE["services"]["vhashdb"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def unit(name):
    """The lines of a unit: `{name: [values]}`."""
    found = {}
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def arguments():
    """Each call of the program in `deploy/` and its page, as words after `vhashdb`, by where it is."""
    yield "Dockerfile", yaml.safe_load(re.search(r"^CMD (\[\"serve.*)", DOCKERFILE, re.M)[1])
    yield "compose.yaml", SERVICE["command"]
    for file in UNITS:
        for line in unit(file.name).get("ExecStart", ()):
            words = shlex.split(line)
            words = shlex.split(words[2].removeprefix("exec ")) if words[0] == "/bin/sh" else words
            assert words[0] == "/opt/vhashdb/bin/vhashdb"
            yield file.name, words[1:]
    own = r"(?:`|run --rm |^(?:sudo -u vhashdb /opt/vhashdb/bin/)?)vhashdb ([a-z][^`\n]*)"
    for file in (
        DEPLOY / "nginx.conf",
        DEPLOY / "Caddyfile",
        DEPLOY / "compose.yaml",
        *(ROOT / "docs" / f"{page}.md" for page in ("deploying", "migrating-from-hma")),
    ):
        for call in re.findall(own, file.read_text(), re.M):
            yield file.name, shlex.split(call.partition(" | ")[0])


CALLS = list(arguments())


@pytest.mark.parametrize(("where", "words"), CALLS, ids=[f"{where}: {words[0]}" for where, words in CALLS])
def test_every_call_of_the_program_is_one_that_it_understands(where, words):
    command, words = cli, list(words)
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    named = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert named <= known | {"--help"}, where


def test_ports_and_folders_agree():
    port = Listening().port
    assert f"EXPOSE {port}\n" in DOCKERFILE
    assert f"http://127.0.0.1:{port}/readyz" in DOCKERFILE
    assert COMPOSE["services"]["caddy"]["environment"]["VHASHDB_UPSTREAM"] == f"vhashdb:{port}"
    assert f"server 127.0.0.1:{port};" in (DEPLOY / "nginx.conf").read_text()
    assert f":127.0.0.1:{port}}}" in (DEPLOY / "Caddyfile").read_text()
    database = re.search(r"VHASHDB_DB=(\S+)", DOCKERFILE)[1]
    folder = SERVICE["volumes"][0].partition(":")[2]
    assert f"VOLUME {folder}\n" in DOCKERFILE
    assert database.startswith(f"{folder}/")
    for where, words in CALLS:
        if where.endswith(".service"):
            assert database in words, where
    assert SERVICE["user"] == re.search(r"^USER (\d+)$", DOCKERFILE, re.M)[1] == re.search(r"--uid (\d+)", DOCKERFILE)[1]


def test_proxies_let_through_what_the_service_takes():
    uploads = {dict(itertools.pairwise(words)).get("--max-upload") for where, words in CALLS if where == "vhashdb.service"}
    assert uploads == {"2G"}
    assert "--max-upload=2G" in SERVICE["command"]
    for file, pattern in (("nginx.conf", r"client_max_body_size (\d+)m;"), ("Caddyfile", r"max_size (\d+)MiB")):
        assert int(re.search(pattern, (DEPLOY / file).read_text())[1]) == (2 << 10) + 1, file
    own = COMPOSE["services"]["caddy"]["networks"]["inside"]["ipv4_address"]
    assert f"--proxy={own}" in SERVICE["command"]


def test_whoever_stops_it_waits_for_as_long_as_it_takes():
    grace_s = Listening().grace_s
    assert int(SERVICE["stop_grace_period"].removesuffix("s")) > grace_s
    main = unit("vhashdb.service")
    assert int(main["TimeoutStopSec"][0]) > grace_s
    assert main["KillMode"] == ["mixed"]  # else its decoders are stopped with it


def test_alerts_are_about_metrics_that_there_are(known_db, tmp_path):
    rules = [rule for group in yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
    asked = set(re.findall(r"vhashdb_\w+", " ".join(rule["expr"] for rule in rules)))
    shutil.copytree(known_db.path, tmp_path / "db.vhdb")
    with service_with_keys(tmp_path / "db.vhdb") as service, service.client() as client:
        families = list(text_string_to_metric_families(client.get("/metrics").text))
    told = {sample.name for family in families for sample in family.samples} | {family.name for family in families}
    told |= {f"{family.name}_count" for family in families if family.type == "histogram"}
    assert asked <= told
    described = (ROOT / "docs" / "deploying.md").read_text()
    assert [rule["alert"] for rule in rules if f"`{rule['alert']}`" not in described] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_units_are_understood_by_systemd(tmp_path):
    for file in UNITS:  # what they start is not installed here
        (tmp_path / file.name).write_text(file.read_text().replace("/opt/vhashdb/bin/vhashdb", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", *tmp_path.iterdir()], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_the_unit_allows_what_decoders_need_to_confine_themselves():
    """`vhashdb.video.confinement` asks for these, by `prctl` the filter of system calls; the rest of the unit takes nothing they need."""
    assert {LANDLOCK, SYSTEM_CALLS} <= set(LAYERS)
    allowed, groups = set(), [word for value in unit("vhashdb.service")["SystemCallFilter"] for word in value.split()]
    while groups:
        group = groups.pop()
        if group.startswith("@"):
            listed = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
            groups += [line.strip() for line in listed.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
        else:
            allowed.add(group)
    needed = {"prctl", "capset", "prlimit64", "landlock_create_ruleset", "landlock_restrict_self", "fork", "clone", "recvmsg", "setsid"}
    assert needed <= allowed


def test_no_secret_and_no_outside_address_is_in_there():
    text = "\n".join(file.read_text() for file in DEPLOY.rglob("*") if file.is_file())
    hosts = set(re.findall(r"\b[\w-]+\.(?:com|net|io|dev|org)\b(?!/)", text))  # with a slash: the name of an API or a label
    assert hosts == {"example.org"}
    assert "vhk_" not in text


KUBERNETES = DEPLOY / "kubernetes"
OBJECTS = [(path.name, each) for path in sorted(KUBERNETES.glob("*.yaml")) for each in yaml.safe_load_all(path.read_text())]


@pytest.mark.parametrize(("name", "value"), OBJECTS, ids=[f"{name}-{value['kind']}" for name, value in OBJECTS])
def test_manifests_have_what_kubernetes_requires_and_no_image_that_changes(name, value):
    assert {"apiVersion", "kind", "metadata"} <= set(value)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", value["metadata"]["name"])
    assert value["kind"] == "Secret" or value["spec"]
    for container in containers(value):
        image, _, tag = container["image"].rpartition(":")
        assert image and "/" not in tag and tag != "latest", "an image has a version"
        assert {"requests", "limits"} <= set(container["resources"])
        assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert not [each for each in container.get("env", []) if "PASSWORD" in each["name"]], "secrets are in a Secret"
    if value["kind"] == "Secret":
        assert "example" in name
        assert value["stringData"]["PGPASSWORD"] == "change-me"


def containers(value):
    """All containers within an object."""
    if isinstance(value, dict):
        yield from value.get("containers", ())
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from containers(each)


def test_the_cluster_on_kubernetes_is_of_the_release_of_ray_that_is_required_and_lets_nobody_in():
    (cluster,) = (value for _, value in OBJECTS if value["kind"] == "RayCluster")
    (policy,) = (value for name, value in OBJECTS if value["kind"] == "NetworkPolicy" and name == "network-policy.yaml")
    (secret,) = (value for _, value in OBJECTS if value["kind"] == "Secret")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["cluster"]
    assert any(f">={cluster['spec']['rayVersion'].removesuffix('.0')}," in each for each in extras)
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    selected = {"matchLabels": {"ray.io/cluster": cluster["metadata"]["name"]}}
    assert policy["spec"]["podSelector"] == selected
    assert policy["spec"]["ingress"][0]["from"][0]["podSelector"] == selected
    used = [each["secretRef"]["name"] for container in containers(cluster) for each in container["envFrom"]]
    assert used and set(used) == {secret["metadata"]["name"]}
    (worker,) = (each for each in containers(cluster) if each["name"] == "ray-worker")
    (mount,) = worker["volumeMounts"]
    assert {"name": "VHASHDB_INDEX", "value": mount["mountPath"]} in worker["env"]


def test_fronts_on_kubernetes_join_the_cluster_and_are_let_in():
    objects = {value["kind"]: value for name, value in OBJECTS if name == "front.yaml"}
    (cluster,) = (value for _, value in OBJECTS if value["kind"] == "RayCluster")
    (policy,) = (value for name, value in OBJECTS if name == "network-policy.yaml")
    deployment, service = objects["Deployment"]["spec"], objects["Service"]["spec"]
    pod = deployment["template"]
    labels = pod["metadata"]["labels"]
    assert labels == deployment["selector"]["matchLabels"] == service["selector"]
    assert objects["NetworkPolicy"]["spec"]["podSelector"] == {"matchLabels": labels}
    assert {"podSelector": {"matchLabels": labels}} in policy["spec"]["ingress"][0]["from"]
    (front,) = containers(pod)
    head = f"{cluster['metadata']['name']}-head-svc:6379"  # so the operator calls it
    script = front["command"][-1]
    assert script.count(head) == 2
    (arguments,) = re.findall(r"vhashdb (serve .*)", script.replace("\\\n", " "))
    command = cli.get_command(click.Context(cli), "serve")
    command.make_context("serve", shlex.split(arguments)[1:])  # raises if an option is not one
    tokens = [each["valueFrom"]["secretKeyRef"] for each in front["env"] if each["name"] == "RAY_AUTH_TOKEN"]
    assert tokens == [{"name": cluster["metadata"]["name"], "key": "auth_token"}]
    for probe, path in (("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")):
        assert front[probe]["httpGet"]["path"] == path
        assert front[probe]["httpGet"]["httpHeaders"][0]["value"] in arguments
