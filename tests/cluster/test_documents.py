"""The clusters that the documents describe, read as Ray reads them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from ray_cluster import ROOT

DOCUMENTS = ROOT / "docs" / "cluster"


def test_ray_up_takes_its_file() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(yaml.safe_load((DOCUMENTS / "ray-up.yaml").read_text()))
    validate_config(config)
    assert config["provider"]["type"] == "local" and config["max_workers"] == 2


def test_ray_derives_its_autoscaling_from_the_kuberay_file() -> None:
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr

    resource: dict[str, Any] = yaml.safe_load((DOCUMENTS / "kuberay.yaml").read_text())
    resource["metadata"]["namespace"] = "default"  # as Kubernetes fills it in
    types = _derive_autoscaling_config_from_ray_cr(resource)["available_node_types"]
    head, workers = types["headgroup"], types["processors"]
    assert head["resources"]["CPU"] == 0 and workers["resources"]["CPU"] == 16
    assert (workers["min_workers"], workers["max_workers"]) == (1, 60)


def test_the_versions_that_the_documents_name_are_those_tested(tmp_path: Path) -> None:
    import ray

    assert f'rayVersion: "{ray.__version__}"' in (DOCUMENTS / "kuberay.yaml").read_text()


@pytest.mark.parametrize("name", ["ray-up.yaml", "kuberay.yaml"])
def test_the_guide_names_each_file(name: str) -> None:
    assert f"cluster/{name}" in (ROOT / "docs" / "cluster.md").read_text()
