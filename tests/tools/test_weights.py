"""The tools that make the shipped nets, and the tables that list them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from facechain_ext.nets.catalog import CATALOG
from tools.weights import tables

SHIPPED = [entry for entry in CATALOG if entry.shipped]


@pytest.mark.parametrize("page", tables.pages(), ids=lambda page: page.name)
def test_the_tables_in_the_docs_are_those_of_the_catalog(page):
    text = page.read_text(encoding="utf-8")
    assert tables.replace_table(text, tables.pages()[page]) == text


def test_every_shipped_net_has_its_licence_text():
    folder = tables.ROOT / "facechain_ext" / "weights" / "licences"
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    for entry in SHIPPED:
        name = {"MIT": "MIT-YuNet"}.get(entry.licence, entry.licence)
        assert len(texts[name]) > 1000


def test_weights_in_blocks_of_eight_bits_become_the_same_numbers():
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    from tools.weights.dequantize import dequantize

    rng = np.random.default_rng(0)
    weights = rng.integers(-128, 128, (3, 20), np.int8)
    scales = rng.uniform(0.01, 0.1, (3, 3)).astype(np.float32)
    zeros = rng.integers(-5, 5, (3, 3), np.int8)
    graph = helper.make_graph(
        [
            helper.make_node("DequantizeLinear", ["w", "s", "z"], ["d"], axis=1, block_size=8),
            helper.make_node("MatMul", ["d", "x"], ["y"]),
        ],
        "blocks",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, (20, 2)),
            helper.make_tensor_value_info("s", TensorProto.FLOAT, (3, 3)),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (3, 2))],
        [numpy_helper.from_array(a, n) for a, n in ((weights, "w"), (scales, "s"), (zeros, "z"))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    edited = dequantize(model, half=False)
    onnx.checker.check_model(edited)
    assert [node.op_type for node in edited.graph.node] == ["MatMul"]
    assert [item.name for item in edited.graph.input] == ["x"]
    x = rng.normal(size=(20, 2)).astype(np.float32)
    blocks = np.repeat(scales, 8, axis=1)[:, :20], np.repeat(zeros, 8, axis=1)[:, :20]
    expected = (weights.astype(np.float32) - blocks[1]) * blocks[0] @ x
    (y,) = ReferenceEvaluator(edited).run(None, {"x": x})
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.id)
def test_every_file_is_made_again_byte_by_byte(entry, capsys):
    """Give the folder of the packages' archives in FACECHAIN_ARCHIVES."""
    pytest.importorskip("onnx")
    pytest.importorskip("tflite")
    if not os.environ.get("FACECHAIN_ARCHIVES"):
        pytest.skip("FACECHAIN_ARCHIVES does not name the folder of the packages' archives")
    from tools.weights.__main__ import rebuild

    archives = Path(os.environ["FACECHAIN_ARCHIVES"])
    assert rebuild(entry, archives, write=False), capsys.readouterr().out
