"""Portraits led by pictures, drawn fast, in styles of LoRAs, in plots: in a running webui.

Run as test_webui.py is, but somebody must be trained already, well enough for faces to be found in
every pose: five photos, 300 steps and batches of 4 are enough, which took eight minutes on two busy
cores. The newest one is drawn. A1111 needs the extension sd-webui-controlnet. Where ADetailer and
Dynamic Prompts are installed, too, they are turned on in txt2img, and must not be seen in what is
drawn here. Nothing stays but portraits. A test ends with what the page says when a job fails.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from facechain_ext.base.infotext import parse_infotext
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.geometry import yaw_ratio
from facechain_ext.nets import FaceNets
from facechain_ext.ui.looks.desk import NEW
from facechain_ext.ui.page import element_ids as ids
from tests.e2e.parts import choose, element, expect, fill, open_page, set_known, wait_for
from tests.e2e.test_webui import STEPS

if TYPE_CHECKING:
    from tests.e2e.conftest import Client

pytestmark = [pytest.mark.e2e, pytest.mark.people, pytest.mark.slow, pytest.mark.timeout(3600)]

LOOK = f"e2e look {time.strftime('%H%M%S')}"


@pytest.fixture(scope="module")
def before(webui: Client) -> Pixels:
    """What the webui draws before anything has led it."""
    return webui.draw(seed=1)


@pytest.fixture(scope="module")
def portraits(page: Any, webui: Client, before: Pixels) -> Any:
    """The page of portraits with the newest person chosen, and one small portrait asked for."""
    if not any(each["lora"] for each in webui.get("/facechain/v1/people")["people"]):
        pytest.skip("Nobody is trained in this webui yet")
    open_page(page, "Portraits")
    name = element(page, ids.PORTRAIT_PERSON).locator("input").first
    expect(name).to_have_value(re.compile(r"\S"))
    fill(page, "facechain_portrait_count", 1)
    fill(page, "facechain_portrait_seed", 5)
    open_fold(page)
    return page


def drawn(page: Any) -> tuple[dict[str, str], str, Pixels]:
    """Make portraits; return the best one's fields, its prompt, and the picture.

    Fails with what the page says where none are made.
    """
    results = element(page, ids.RESULTS).locator("img").first
    known = results.get_attribute("src") if results.count() else ""
    set_known(page)
    element(page, ids.GENERATE).click()
    new = (
        "([id, known]) => { const i = document.querySelector(`#${id} img`);"
        " return i && i.src !== known && !i.src.endsWith(known || 'nothing'); }"
    )
    wait_for(page, new, [ids.RESULTS, known], ids.PORTRAIT_PROGRESS, ids.PORTRAIT_MESSAGE)
    said = element(page, ids.INFOTEXT).locator("textarea").first
    expect(said).to_have_value(re.compile("FaceChain person"))
    prompt, _, fields = parse_infotext(said.input_value())
    answer = page.request.get(element(page, ids.RESULTS).locator("img").first.get_attribute("src"))
    pixels = cv2.imdecode(np.frombuffer(answer.body(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    return fields, prompt, np.ascontiguousarray(pixels)


def turned(pixels: Pixels) -> float:
    """Return how far a picture's face is turned to the right, -1..1."""
    (face, *_) = FaceNets().detector.detect(pixels)
    return yaw_ratio(face.landmarks)


def open_fold(page: Any) -> None:
    fold = element(page, ids.CONTROLS)
    if not element(page, ids.CONTROL_KIND).is_visible():
        fold.locator("button, .label-wrap").first.click()
    expect(element(page, ids.CONTROL_KIND)).to_be_visible()


def test_named_poses_turn_the_head(portraits: Any) -> None:
    ways = []
    for pose in ("far-left", "far-right"):
        choose(portraits, ids.CONTROL_NAMED, pose)
        expect(element(portraits, ids.CONTROL_SHOWN).locator("img").first).to_be_visible()
        fields, _, pixels = drawn(portraits)
        assert fields["FaceChain pose"].startswith("[")
        ways.append(turned(pixels))
    print(f"turned {ways}")
    assert ways[1] - ways[0] > 0.2


def test_a_pose_picture_leads_and_the_skeleton_is_shown_first(
    portraits: Any, uploads: list[Path]
) -> None:
    element(portraits, ids.CONTROL_CLEAR).click()
    expect(element(portraits, ids.CONTROL_SHOWN).locator("img")).to_have_count(0)
    file = element(portraits, ids.CONTROL_PICTURE).locator("input[type=file]")
    file.set_input_files(str(uploads[-1]))
    expect(element(portraits, ids.CONTROL_MESSAGE)).to_contain_text("shows no face")
    remove = element(portraits, ids.CONTROL_PICTURE).locator("button[aria-label=Clear]")
    if remove.count():
        remove.first.click()
    element(portraits, ids.CONTROL_PICTURE).locator("input[type=file]").set_input_files(
        str(uploads[0])
    )
    expect(element(portraits, ids.CONTROL_SHOWN).locator("img").first).to_be_visible()
    assert drawn(portraits)[0]["FaceChain pose"].startswith("[")


def test_the_pose_of_a_portrait_is_used_again(portraits: Any) -> None:
    element(portraits, ids.CONTROL_CLEAR).click()
    expect(element(portraits, ids.CONTROL_SHOWN).locator("img")).to_have_count(0)
    element(portraits, ids.POSE_AGAIN).click()
    expect(element(portraits, ids.CONTROL_SHOWN).locator("img").first).to_be_visible()
    element(portraits, ids.CONTROL_CLEAR).click()
    expect(element(portraits, ids.CONTROL_SHOWN).locator("img")).to_have_count(0)


def test_fast_mode_takes_its_lora_sampler_and_steps(portraits: Any) -> None:
    fast = element(portraits, "facechain_portrait_fast").locator("input[type=checkbox]")
    fast.check()
    fields, prompt, _ = drawn(portraits)
    assert (fields["Sampler"], fields["Steps"]) == ("LCM", "6")
    assert "<lora:facechain-mini-lcm" in prompt


@pytest.fixture
def look(webui: Client) -> Iterator[str]:
    """A LoRA that says of itself what it is; it goes when the test ends."""
    safetensors = pytest.importorskip("safetensors")
    torch = pytest.importorskip("safetensors.torch")
    known = [Path(each["path"]) for each in webui.get("/sdapi/v1/loras")]
    person = next(path for path in known if path.stem != "facechain-mini-lcm")
    file = person.with_name(f"{LOOK}.safetensors")
    with safetensors.safe_open(person, "np") as source:
        metadata = dict(source.metadata() or {})
    told = {"modelspec.title": LOOK, "modelspec.trigger_phrase": "e2elook"}
    ours = {key: text for key, text in metadata.items() if "facechain" not in key.lower()}
    torch.save_file(torch.load_file(person), file, {**ours, **told})
    yield LOOK
    forget(person.parent, LOOK)


def forget(loras: Path, name: str) -> None:
    """Delete a style of this name and its LoRA, which lie in the webui's own folders."""
    for style in (loras.parents[1] / "facechain" / "styles").glob("*.json"):
        told = json.loads(style.read_text(encoding="utf-8"))
        for each in told if isinstance(told, list) else [told]:
            if each.get("title") == name:
                style.unlink()
                for file in loras.glob(f"{each['style_lora']}.*"):
                    file.unlink()


def test_a_style_is_made_of_what_a_lora_says_of_itself(portraits: Any, look: str) -> None:
    portraits.get_by_text("Add styles").first.click()
    choose(portraits, ids.STYLE_LORA, look)
    expect(element(portraits, ids.STYLE_LORA_CARD)).to_contain_text("e2elook")
    element(portraits, ids.STYLE_ADD).click()
    expect(element(portraits, ids.STYLE_ADDED)).to_contain_text("Added")
    fill(portraits, ids.STYLE_SEARCH, look)
    element(portraits, ids.STYLE).locator(f'label:has-text("{look}")').first.click()
    _, prompt, _ = drawn(portraits)
    assert "e2elook" in prompt
    assert f"<lora:{look}" in prompt
    fill(portraits, ids.STYLE_SEARCH, "")
    element(portraits, ids.STYLE).locator("input[value=portrait]").first.check()


def test_what_is_set_in_txt2img_does_not_reach_ours(portraits: Any, webui: Client) -> None:
    hr = portraits.locator("#txt2img_hr-checkbox input, #txt2img_hr input[type=checkbox]").first
    hr.evaluate("box => box.checked || box.click()")
    for box in (
        "#script_txt2img_adetailer_ad_main_accordion-checkbox input",
        "#txt2img_controlnet_ControlNet-0_controlnet_enable_checkbox input",
    ):
        if portraits.locator(box).count():
            portraits.locator(box).first.evaluate("box => box.checked || box.click()")
    words = "a {red|blue} hat, (pearls:1.2), [day|night] __colour__"
    fill(portraits, "facechain_portrait_prompt", words)
    fields, prompt, _ = drawn(portraits)
    foreign = [name for name in fields if re.match("ADetailer|ControlNet|Hires|Template", name)]
    assert foreign == []
    for each in words.split(", "):
        assert each in prompt
    fill(portraits, "facechain_portrait_prompt", "")


def test_ours_does_not_reach_txt2img(webui: Client, before: Pixels) -> None:
    assert np.array_equal(webui.draw(seed=1), before)


def test_a_plot_of_two_by_three_is_made_of_portraits(portraits: Any) -> None:
    page = portraits
    page.evaluate("switch_to_txt2img()")
    hr = page.locator("#txt2img_hr-checkbox input, #txt2img_hr input[type=checkbox]").first
    hr.evaluate("box => box.checked && box.click()")
    for box in (
        "#script_txt2img_adetailer_ad_main_accordion-checkbox input",
        "#txt2img_controlnet_ControlNet-0_controlnet_enable_checkbox input",
    ):
        if page.locator(box).count():
            page.locator(box).first.evaluate("box => box.checked && box.click()")
    fill(page, "txt2img_steps", 6)
    fill(page, "txt2img_width", 192)
    fill(page, "txt2img_height", 192)
    choose(page, "script_list", "X/Y/Z plot")
    axes = {"x": ("LoRA weight", "0.6, 1"), "y": ("Face fusion", "0, 0.4, 0.8")}
    for axis, (title, values) in axes.items():  # values first: a new axis sends them back
        fill(page, f"script_txt2img_xyz_plot_{axis}_values", values)
        choose(page, f"script_txt2img_xyz_plot_{axis}_type", f"[FaceChain] {title}")
    element(page, "txt2img_generate").click()
    picture = page.locator("#txt2img_gallery img").first
    expect(picture).to_be_visible()
    page.wait_for_function(
        "() => { const i = document.querySelector('#txt2img_gallery img');"
        " return i && i.naturalHeight > 3 * 192; }"
    )
    width, height = picture.evaluate("i => [i.naturalWidth, i.naturalHeight]")
    print(f"the grid is {width} x {height}")
    assert width >= 2 * 192
    assert height >= 3 * (192 + 14)
    page.evaluate("switch_to_facechain()")


def test_a_style_is_trained_on_pictures_of_a_look(page: Any, webui: Client, people: Path) -> None:
    name = LOOK.replace("look", "training")
    page.evaluate("switch_to_facechain()")
    open_page(page, "Styles")
    choose(page, ids.LOOK, NEW)
    fill(page, ids.LOOK_NAME, name)
    pictures = sorted(people.glob("hires/*/*.jpg"))[:10]
    file = element(page, ids.LOOK_PICTURES).locator("input[type=file]")
    file.set_input_files([str(picture) for picture in pictures])
    element(page, "facechain_trainstyle_captions").locator("input[value=none]").check()
    fill(page, "facechain_trainstyle_max_train_steps", STEPS)
    page.get_by_text("More about the style's training").first.click()
    fill(page, "facechain_trainstyle_samples_per_snapshot", 1)
    fill(page, "facechain_trainstyle_train_batch_size", 1)
    set_known(page)
    element(page, ids.LOOK_TRAIN).click()
    ready = (
        "([id, name]) => { const told = document.querySelector(`#${id}`).innerText;"
        " return told.includes(name) && /ready/i.test(told); }"
    )
    wait_for(page, ready, [ids.LOOK_PROGRESS, name], ids.LOOK_PROGRESS, ids.LOOK_MESSAGE)
    expect(element(page, ids.LOOK_SAMPLES).locator("img").first).to_be_visible()
    lora = next(x for x in webui.get("/sdapi/v1/loras") if "training" in x["name"])
    delete_look(page, name)
    open_page(page, "Portraits")
    fill(page, ids.STYLE_SEARCH, name)
    expect(element(page, ids.STYLE).locator(f'label:has-text("{name}")').first).to_be_visible()
    fill(page, ids.STYLE_SEARCH, "")
    forget(Path(lora["path"]).parent, name)


def delete_look(page: Any, name: str) -> None:
    choose(page, ids.LOOK, name)
    page.get_by_text("Delete the pictures").first.click()
    page.get_by_label("Delete this look's pictures").check()
    element(page, ids.LOOK_DELETE).click()
    expect(element(page, ids.ROOT)).to_contain_text(f"The pictures of {name} are gone")
