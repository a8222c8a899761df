from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from facechain_ext import __version__
from facechain_ext.base.host import Family, PredictionType
from facechain_ext.config import TrainConfig
from facechain_ext.lora.metadata import SGM, LoraRecord, legacy_hash
from facechain_ext.lora.training_facts import Buckets

RECORD = LoraRecord(
    name="anna-20240501",
    person="Anna",
    trigger_word="fcsks",
    photo_count=7,
    config=TrainConfig(
        max_train_steps=300, learning_rate=2e-4, resolution=512, target_modules="attention"
    ),
    steps=(200, 300),
    similarity=0.61234,
    checkpoint=Path("models") / "dream.safetensors",
    checkpoint_sha256="ab" * 32,
    family="sd1",
    prediction_type="epsilon",
    started=datetime(2024, 5, 1, 12, 0, 0, tzinfo=timezone.utc),
    finished=datetime(2024, 5, 1, 12, 5, 30, 999, tzinfo=timezone.utc),
    weight=0.9,
)


def test_every_value_is_text() -> None:
    metadata = RECORD.metadata()
    assert all(isinstance(value, str) for value in metadata.values())
    assert {key.split("_")[0].split(".")[0] for key in metadata} == {"ss", "modelspec", "facechain"}


def test_the_webui_reads_the_family_and_the_name() -> None:
    """extensions-builtin/Lora/network.py: SD1 unless sdxl_ or v2 is said."""
    metadata = RECORD.metadata()
    assert metadata["ss_base_model_version"] == "sd_v1"
    assert metadata["ss_v2"] == "False"
    assert metadata["ss_output_name"] == "anna-20240501"
    assert metadata["ss_network_module"] == "networks.lora"
    assert (metadata["ss_network_dim"], metadata["ss_network_alpha"]) == ("16", "16.0")
    assert metadata["ss_new_sd_model_hash"] == "ab" * 32
    assert metadata["ss_sd_model_name"] == "dream.safetensors"
    assert json.loads(metadata["ss_tag_frequency"]) == {"7_anna-20240501": {"fcsks": 7}}


@pytest.mark.parametrize(
    ("family", "kind", "version", "v2", "architecture", "implementation"),
    [
        ("sd2", "epsilon", "sd_v2", "True", "stable-diffusion-v2-512/lora", "diffusers"),
        ("sd2", "v_prediction", "sd_v2_v", "True", "stable-diffusion-v2-768-v/lora", "diffusers"),
        ("sdxl", "epsilon", "sdxl_base_v1-0", "False", "stable-diffusion-xl-v1-base/lora", SGM),
    ],
)
def test_other_families_are_told_as_sd_scripts_does(
    family: Family,
    kind: PredictionType,
    version: str,
    v2: str,
    architecture: str,
    implementation: str,
) -> None:
    """library/sai_model_spec.py and train_network.py; the webui goes by the version's start."""
    metadata = replace(RECORD, family=family, prediction_type=kind).metadata()
    assert metadata["ss_base_model_version"] == version
    assert metadata["ss_v2"] == v2
    assert metadata["modelspec.architecture"] == architecture
    assert metadata["modelspec.implementation"] == implementation


def test_convolutions_are_told() -> None:
    assert json.loads(RECORD.metadata()["ss_network_args"]) == {}
    both = replace(RECORD, config=replace(RECORD.config, target_modules="all"))
    args = json.loads(both.metadata()["ss_network_args"])
    assert args == {"conv_dim": "16", "conv_alpha": "16.0"}


def test_a_trained_text_encoder_is_told() -> None:
    """sd-scripts' train_network.py writes one rate for each of the two; 0 trains nothing."""
    metadata = RECORD.metadata()
    assert (metadata["ss_unet_lr"], metadata["ss_text_encoder_lr"]) == ("0.0002", "0.0")
    both = replace(RECORD, config=replace(RECORD.config, text_encoder_lora=True))
    assert both.metadata()["ss_text_encoder_lr"] == "0.0002"


@pytest.mark.parametrize(("ours", "theirs"), [("epsilon", "epsilon"), ("v_prediction", "v")])
def test_modelspec(ours: str, theirs: str) -> None:
    metadata = replace(RECORD, prediction_type=ours).metadata()
    assert metadata["modelspec.sai_model_spec"] == "1.0.1"
    assert metadata["modelspec.implementation_version"] == f"facechain/{__version__}"
    assert metadata["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert metadata["modelspec.title"] == "anna-20240501"
    assert metadata["modelspec.date"] == "2024-05-01T12:05:30"
    assert metadata["modelspec.resolution"] == "512x512"
    assert metadata["modelspec.prediction_type"] == theirs


CONFIG = TrainConfig(
    train_batch_size=3,
    gradient_accumulation_steps=2,
    crops_per_photo=4,
    max_train_steps=300,
    class_images=20,
    prior_loss_weight=0.5,
    noise_offset=0.05,
    caption_dropout=0.1,
    resolution=512,
)


def test_a_training_is_told_as_sd_scripts_tells_it() -> None:
    """train_network.py: 7 photos of 4 crops are 28 pictures, 10 batches, 5 steps an epoch."""
    record = replace(
        RECORD,
        config=CONFIG,
        captions=("fcsks, photo of a Woman, smiling", "fcsks, photo of a woman,, glasses "),
        mixed_precision="bf16",
        alias="Anna",
    )
    metadata = {key[3:]: value for key, value in record.metadata().items() if key[:3] == "ss_"}
    assert (
        metadata.items()
        >= {
            "batch_size_per_device": "3",
            "caption_dropout_rate": "0.1",
            "clip_skip": "1",
            "epoch": "60",
            "gradient_accumulation_steps": "2",
            "mixed_precision": "bf16",
            "noise_offset": "0.05",
            "num_batches_per_epoch": "10",
            "num_epochs": "60",
            "num_reg_images": "20",
            "num_train_images": "28",
            "output_name": "Anna",
            "prior_loss_weight": "0.5",
            "scale_weight_norms": "None",
            "steps": "300",
            "total_batch_size": "6",
        }.items()
    )
    folder = "7_anna-20240501"
    assert json.loads(metadata["dataset_dirs"]) == {folder: {"n_repeats": 4, "img_count": 7}}
    assert json.loads(metadata["bucket_info"]) == {
        "buckets": {"0": {"resolution": [512, 512], "count": 28}},
        "mean_img_ar_error": 0.0,
    }
    assert json.loads(metadata["tag_frequency"]) == {
        folder: {"fcsks": 2, "photo of a woman": 2, "smiling": 1, "glasses": 1}
    }


def test_what_this_product_adds() -> None:
    metadata = RECORD.metadata()
    assert metadata["facechain.person"] == "Anna"
    assert metadata["facechain.trigger_word"] == "fcsks"
    assert metadata["facechain.photo_count"] == "7"
    assert metadata["facechain.similarity"] == "0.6123"
    assert metadata["facechain.snapshots"] == "200,300"
    assert metadata["facechain.weight"] == "0.9"
    assert json.loads(metadata["facechain.train_config"]) == asdict(RECORD.config)
    assert replace(RECORD, similarity=None).metadata()["facechain.similarity"] == ""


def test_the_old_checkpoint_hash(tmp_path: Path) -> None:
    path = tmp_path / "dream.safetensors"
    hashed = b"\1" * 0x10000
    path.write_bytes(b"\0" * 0x100000 + hashed + b"\2" * 100)
    changed = tmp_path / "changed.safetensors"
    changed.write_bytes(b"\7" * 0x100000 + hashed + b"\3" * 100)
    assert legacy_hash(path) == legacy_hash(changed) == hashlib.sha256(hashed).hexdigest()[:8]
    assert legacy_hash(tmp_path) == ""


def test_a_style_tells_its_buckets_and_no_person() -> None:
    buckets = Buckets(((448, 576, 5), (512, 512, 2)), 0.03)
    metadata = replace(RECORD, person="", buckets=buckets).metadata()
    assert json.loads(metadata["ss_bucket_info"]) == {
        "buckets": {
            "0": {"resolution": [448, 576], "count": 5},
            "1": {"resolution": [512, 512], "count": 2},
        },
        "mean_img_ar_error": 0.03,
    }
    assert metadata["ss_enable_bucket"] == "True"
    assert (metadata["ss_min_bucket_reso"], metadata["ss_max_bucket_reso"]) == ("448", "576")
    assert metadata["ss_random_crop"] == "False"
    assert metadata["modelspec.description"].startswith("A style, from 7 pictures, trained on")
