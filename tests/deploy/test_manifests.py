"""What deploy/ ships fits together and fits the program: schemas, names, ports, volumes, settings, rights."""

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

from pipeline.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
SCHEMA_VERSION = "1.33"
VARIABLES = {f"RINGFENCE_{name.upper()}" for name in Settings.model_fields}
CUSTOM_KINDS = {"Kustomization", "ServiceMonitor"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


KUSTOMIZATION = read(KUBERNETES / "kustomization.yaml")
MANIFESTS = {path.name: read(path) for path in sorted(KUBERNETES.glob("*.yaml"))}
POD = MANIFESTS["statefulset.yaml"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]
LITERALS = dict(each.split("=", 1) for each in KUSTOMIZATION["configMapGenerator"][0]["literals"])
COMPOSE = read(DEPLOY / "compose.yaml")
WORKERS = {name: each for name, each in COMPOSE["services"].items() if name.startswith("ringfence-")}
DOCKERFILE = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
INSTRUCTIONS = [line.split(None, 1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]


def words(kind: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == kind]


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yaml")), ids=lambda path: str(path.relative_to(DEPLOY)))
def test_yaml_reads_well(path):
    found = list(linter.run(path.read_text(encoding="utf-8"), YamlLintConfig(file=str(ROOT / ".yamllint"))))
    assert not found


# Kubernetes


@pytest.mark.parametrize("name", [name for name, each in MANIFESTS.items() if each["kind"] not in CUSTOM_KINDS])
def test_a_manifest_fits_the_schema_of_kubernetes(name):
    kubernetes_validate.validate(MANIFESTS[name], SCHEMA_VERSION, strict=True)


def test_a_wrong_manifest_would_be_noticed():
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(
            MANIFESTS["poddisruptionbudget.yaml"] | {"spec": {"maxUnavaliable": 1}}, SCHEMA_VERSION, strict=True
        )


def test_the_kustomization_names_every_manifest_but_the_example():
    assert set(KUSTOMIZATION["resources"]) == set(MANIFESTS) - {"kustomization.yaml", "secret.example.yaml"}


def test_kustomize_builds_it():
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is missing: what it builds is not looked at, the files are")
    done = subprocess.run([kubectl, "kustomize", str(KUBERNETES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = {each["kind"]: each for each in yaml.safe_load_all(done.stdout)}
    assert set(built) == {each["kind"] for each in MANIFESTS.values()} - {"Kustomization", "Secret"} | {"ConfigMap"}
    pod_labels = built["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    for kind in ("PodDisruptionBudget", "StatefulSet"):
        assert built[kind]["spec"]["selector"]["matchLabels"].items() <= pod_labels.items()
    assert built["Service"]["spec"]["selector"].items() <= pod_labels.items()
    assert built["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= pod_labels.items()
    monitored = built["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert monitored.items() <= built["Service"]["metadata"]["labels"].items()


def test_volumes_ports_and_secrets_that_are_used_are_there():
    claims = {claim["metadata"]["name"] for claim in MANIFESTS["statefulset.yaml"]["spec"]["volumeClaimTemplates"]}
    volumes = {volume["name"] for volume in POD["volumes"]} | claims
    assert {mount["name"] for mount in CONTAINER["volumeMounts"]} == volumes
    ports = {port["name"] for port in CONTAINER["ports"]}
    probes = [CONTAINER[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert {probe["port"] for probe in probes} <= ports
    assert [probe["path"] for probe in probes] == ["/health", "/health", "/ready"]
    kept = set(MANIFESTS["secret.example.yaml"]["stringData"])
    asked = {each["valueFrom"].get("secretKeyRef", {}).get("key") for each in CONTAINER["env"]} - {None}
    asked |= {item["key"] for volume in POD["volumes"] if "secret" in volume for item in volume["secret"]["items"]}
    assert asked == kept


def test_the_pod_runs_without_rights_and_writes_only_where_it_may():
    assert POD["securityContext"]["runAsNonRoot"]
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is False


def test_the_cluster_adds_no_variable_that_the_worker_would_refuse():
    # A service named ringfence makes Kubernetes set RINGFENCE_PORT, and unknown settings stop the start.
    assert POD["enableServiceLinks"] is False


def test_the_pod_s_settings_are_known_and_accepted(monkeypatch):
    given = LITERALS | {each["name"]: "sixteen letters or more" for each in CONTAINER["env"]}
    given["RINGFENCE_MEMBER_ID"] = "ringfence-0"
    assert set(given) <= VARIABLES
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    mounts = {mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert str(settings.tls_ca_file.parent) in mounts


def test_there_are_never_more_workers_than_partitions():
    assert MANIFESTS["horizontalpodautoscaler.yaml"]["spec"]["maxReplicas"] == int(LITERALS["RINGFENCE_PARTITIONS"])


def test_a_stop_gets_more_time_than_it_takes():
    from pipeline.runners.worker import STOP_LIMIT_SECONDS  # noqa: PLC0415 - the worker's room is heavy

    assert POD["terminationGracePeriodSeconds"] > STOP_LIMIT_SECONDS + 1
    assert all(
        int(worker["stop_grace_period"].removesuffix("s")) > STOP_LIMIT_SECONDS + 1 for worker in WORKERS.values()
    )


def test_the_rules_find_the_workers_by_the_job_they_count_on():
    assert MANIFESTS["servicemonitor.yaml"]["spec"]["jobLabel"] == "app.kubernetes.io/name"
    assert KUSTOMIZATION["labels"][0]["pairs"]["app.kubernetes.io/name"] == "ringfence"
    assert read(DEPLOY / "prometheus/prometheus.yaml")["scrape_configs"][0]["job_name"] == "ringfence"


# Compose


def test_every_worker_of_the_compose_file_is_known_to_prometheus_and_has_its_own_name_and_store():
    targets = read(DEPLOY / "prometheus/prometheus.yaml")["scrape_configs"][0]["static_configs"][0]["targets"]
    assert {target.split(":")[0] for target in targets} == set(WORKERS)
    assert {worker["environment"]["RINGFENCE_MEMBER_ID"] for worker in WORKERS.values()} == set(WORKERS)
    stores = [worker["volumes"][0] for worker in WORKERS.values()]
    assert len(set(stores)) == len(stores)


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_service_mounts_what_exists_and_binds_the_loopback_alone(name):
    service = COMPOSE["services"][name]
    for mount in service.get("volumes", ()):
        source = mount.split(":")[0]
        assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])
    assert not re.search(r":latest$|^[^:]+$", service["image"])


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_a_worker_of_the_compose_file_is_confined_and_its_settings_are_known(name):
    worker = WORKERS[name]
    assert worker["read_only"]
    assert worker["cap_drop"] == ["ALL"]
    assert set(worker["environment"]) <= VARIABLES
    assert worker["environment"]["RINGFENCE_BROKERS"] == "kafka:9092"


# The image


def test_the_image_ends_without_root_and_says_how_it_is():
    assert [name for name, _ in INSTRUCTIONS].count("FROM") == 2
    assert words("USER") == ["10001:10001"]
    assert words("HEALTHCHECK")
    assert all(json.loads(each) for each in (*words("ENTRYPOINT"), *words("CMD")))
    health = json.loads(words("HEALTHCHECK")[0].split("CMD ", 1)[1])
    compile(health[2], "health check", "exec")


def test_the_image_copies_what_exists_and_what_the_builder_is_sent():
    sent = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    for each in words("COPY"):
        if each.startswith("--from"):
            continue
        for source in each.split()[:-1]:
            assert (ROOT / source).exists()
            assert source in sent


def test_no_command_of_the_image_hides_a_failure():
    for command in words("RUN"):
        assert "||" not in command
        assert ";" not in command


def test_the_image_s_settings_are_known():
    named = {each.split("=")[0] for line in words("ENV") for each in shlex.split(line)}
    assert {name for name in named if name.startswith("RINGFENCE_")} <= VARIABLES


def test_the_image_has_the_packages_that_the_program_needs_and_no_tools():
    text = subprocess.run(
        [sys.executable, str(DEPLOY / "lock.py"), "runtime"], capture_output=True, text=True, check=True
    ).stdout
    pins = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    assert {"faust-streaming", "rocksdict", "aiohttp", "pydantic-core"} <= pins
    assert not pins & {"pytest", "mypy", "ruff", "hypothesis", "yamllint", "kubernetes-validate"}
    assert text.count("==") <= text.count("--hash=sha256:")


def test_the_bill_of_materials_is_whole_and_the_same_every_time():
    made = [
        subprocess.run([sys.executable, str(DEPLOY / "lock.py"), "sbom"], capture_output=True, check=True).stdout
        for _ in range(2)
    ]
    bill = json.loads(made[0])
    references = {each["bom-ref"] for each in bill["components"]} | {"ringfence"}
    assert made[0] == made[1]
    assert {each["ref"] for each in bill["dependencies"]} == references
    reached = {target for each in bill["dependencies"] for target in each["dependsOn"]}
    assert reached | {"ringfence"} == references


# systemd


def unit() -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names have capitals
    parser.read(DEPLOY / "systemd/ringfence.service", encoding="utf-8")
    return {name: dict(parser[name]) for name in parser.sections()}


def test_the_unit_starts_a_doubting_worker_again_and_no_misconfigured_one():
    service = unit()["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["NoNewPrivileges"] == service["DynamicUser"] == "yes"
    named = set(re.findall(r"RINGFENCE_\w+", service["Environment"]))
    assert named <= VARIABLES


def test_systemd_itself_finds_no_fault_with_the_unit(tmp_path):
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is missing")
    text = (DEPLOY / "systemd/ringfence.service").read_text(encoding="utf-8")
    copy = tmp_path / "ringfence.service"
    copy.write_text(text.replace("/opt/ringfence/bin/ringfence", sys.executable), encoding="utf-8")
    done = subprocess.run([verify, "verify", str(copy)], capture_output=True, text=True, check=False, timeout=30)
    assert "ringfence.service" not in done.stderr, done.stderr


def all_text(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and "libs" not in path.parts and path.suffix in {".yaml", ".service", ".sh", ".md", ""}:
            yield path.read_text(encoding="utf-8")


def test_every_setting_that_deploy_names_exists():
    named = {name for text in all_text(DEPLOY) for name in re.findall(r"RINGFENCE_[A-Z_]+[A-Z]", text)}
    assert named - {"RINGFENCE_SETTINGS_FILE", "RINGFENCE_PORT"} <= VARIABLES
