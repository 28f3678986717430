"""Makes the seeds of the corpus, small, and deterministic but for times in newer HDF5 images: python3 make_corpus.py (h5py, numpy, Pillow).
What fuzzers found lies beside them under other names."""
import glob
import io
import json
import os
import struct
import zipfile
import zlib

import h5py
import numpy as np
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
fixtures = os.path.join(here, "..", "fixtures", "keras")


def put(target, name, data):
    folder = os.path.join(here, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "seed-" + name), "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


# ---- Trees of lines, from the fixtures ----

def texts_of(value):
    values = np.asarray(value).ravel()
    return "\t".join(v.decode() if isinstance(v, bytes) else str(v) for v in values)


def tree_of(file):
    lines = []

    def visit(name, item):
        name = "" if name == "/" else name
        for key, value in item.attrs.items():
            text = texts_of(value)
            if "\n" not in text:
                lines.append(f"{name}@{key}={text}")
        if isinstance(item, h5py.Dataset):
            lines.append(f"{name}#{'x'.join(map(str, item.shape))}")

    visit("/", file)
    file.visititems(visit)
    return "\n".join(lines) + "\n"


def trees():
    for path in sorted(glob.glob(os.path.join(fixtures, "*.h5"))):
        name = os.path.basename(path)[:-3]
        if name.startswith("bad-") or os.path.getsize(path) > 70000:
            continue
        with h5py.File(path, "r") as file:
            tree = tree_of(file)
            config = file.attrs.get("model_config")
        if len(tree) < 8000:
            put("tree", name, tree)
        if config is not None:
            put("json", name, config if isinstance(config, str) else config.decode())
    for path in sorted(glob.glob(os.path.join(fixtures, "archive-*.keras"))):
        name = os.path.basename(path)[:-6]
        if "-bad-" in name:
            continue
        with zipfile.ZipFile(path) as archive:
            with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
                tree = tree_of(file)
            texts = [archive.read(member).decode().replace("\n", " ") for member in ("config.json", "metadata.json")]
        if len(tree) < 3000:
            put("tree", name, f"config.json={texts[0]}\nmetadata.json={texts[1]}\n{tree}")


# ---- HDF5 images, with all that Keras and h5py may use ----

CONFIG = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": [
    {"class_name": "Dense", "config": {"name": "d", "units": 2, "batch_input_shape": [None, 3]}}]}})


def image(libver="earliest", fixed=False, layers=1, dtype="f4", attributes=0, **options):
    stream = io.BytesIO()
    with h5py.File(stream, "w", libver=libver) as file:
        text = (lambda s: np.bytes_(s)) if fixed else (lambda s: s)
        config = json.loads(CONFIG)
        layer = config["config"]["layers"][0]
        config["config"]["layers"] = []
        for i in range(layers):
            config["config"]["layers"].append({"class_name": "Dense", "config": dict(layer["config"], name=f"d{i}")})
            layer = {"class_name": "Dense", "config": {"units": 2}}
        file.attrs["model_config"] = text(json.dumps(config))
        file.attrs["keras_version"] = text("2.4.0")
        for i in range(attributes):
            file.attrs[f"more_{i}"] = text("x")
        group = file.create_group("model_weights")
        names = [f"d{i}" for i in range(layers)]
        group.attrs["layer_names"] = np.array(names, "S8") if fixed else names
        for i, name in enumerate(names):
            weights = group.create_group(name)
            weights.attrs["weight_names"] = np.array(["k", "b"], "S2") if fixed else ["k", "b"]
            kernel = np.arange(6 if i == 0 else 4).reshape(-1, 2).astype(dtype)
            weights.create_dataset("k", data=kernel, **options)
            weights.create_dataset("b", data=np.zeros(2, dtype))
    return stream.getvalue()


def images():
    kinds = {"plain": {}, "fixed": {"fixed": True}, "latest": {"libver": "latest"}, "latest-fixed": {"libver": "latest", "fixed": True},
             "big-endian": {"dtype": ">f4"}, "half": {"dtype": "f2"}, "integers": {"dtype": "i8"},
             "chunks": {"chunks": (2, 1)}, "packed": {"chunks": (2, 2), "compression": "gzip", "shuffle": True, "fletcher32": True},
             "latest-chunks": {"libver": "latest", "chunks": (2, 1)},
             "latest-packed": {"libver": "latest", "chunks": (2, 2), "compression": "gzip", "shuffle": True},
             "latest-one-chunk": {"libver": "latest", "chunks": (3, 2), "compression": "gzip"},
             "many-links": {"layers": 9}, "latest-many-links": {"libver": "latest", "layers": 10},
             "latest-many-attributes": {"libver": "latest", "attributes": 9}}
    for name, options in kinds.items():
        put("model", name + ".h5", image(**options))


def bombs():
    """Small images that stand for much."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        groups = [file] + [file.create_group(f"g{i}") for i in range(6)]
        for i, group in enumerate(groups[1:-1], 1):
            for k in range(10):
                group[f"to{k}"] = groups[i + 1]
    put("model", "bomb-links.h5", stream.getvalue())
    for name, options in {"nothing": {}, "chunks": {"chunks": (1 << 14, 1 << 14), "compression": "gzip"}}.items():
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            file.create_dataset("x", (1 << 20, 1 << 20), "f4", **options)
        put("model", f"bomb-{name}.h5", stream.getvalue())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(zipfile.ZipInfo(member), bytes(5 << 20), zipfile.ZIP_DEFLATED, 9)
    put("model", "bomb-deflated.keras", packed.getvalue())


def archives():
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        group = file.create_group("layers/dense/vars")
        group["0"] = np.ones((3, 2), "f4")
        group["1"] = np.zeros(2, "f4")
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", method) as archive:
            for member, data in (("metadata.json", '{"keras_version": "3.5.0"}'), ("config.json", CONFIG),
                                 ("model.weights.h5", stream.getvalue())):
                archive.writestr(zipfile.ZipInfo(member), data, method)
        put("model", name + ".keras", packed.getvalue())


# ---- Pictures ----

def pictures():
    x, y = np.meshgrid(np.arange(8), np.arange(6))
    colours = Image.fromarray(np.stack([x * 30, y * 40, x * y * 6], -1).astype("u1"))
    kinds = {"rgb": colours, "grey": colours.convert("L"), "alpha": colours.convert("RGBA"), "palette": colours.convert("P"),
             "one-bit": colours.convert("1"), "grey-alpha": colours.convert("LA"), "cmyk": colours.convert("CMYK"),
             "deep": Image.fromarray((x * y * 900).astype("u2"))}
    for name, form, options in [("rgb", "jpeg", {}), ("rgb", "jpeg", {"progressive": True}), ("grey", "jpeg", {}), ("cmyk", "jpeg", {}),
                                ("rgb", "png", {}), ("grey", "png", {}), ("alpha", "png", {}), ("palette", "png", {}), ("one-bit", "png", {}),
                                ("grey-alpha", "png", {}), ("deep", "png", {}), ("rgb", "bmp", {}), ("grey", "bmp", {}), ("palette", "bmp", {}),
                                ("one-bit", "bmp", {}), ("rgb", "ppm", {}), ("grey", "ppm", {})]:
        stream = io.BytesIO()
        kinds[name].save(stream, form, **options)
        put("picture", f"{name}{'-progressive' if options else ''}.{form}", stream.getvalue())
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    kinds["rgb"].save(stream, "jpeg", exif=exif)
    put("picture", "turned.jpeg", stream.getvalue())
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    put("picture", "enormous.png", b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks))


# ---- Folders and arguments ----

def scripts():
    put("directory", "two-classes", "dcat\npcat/a.ppm\npcat/b.jpg\nddog\npdog/a.ppm\nt0\n")
    put("directory", "odd", "da\npa/x.PNG\nga/bad.png\nea/empty.jpg\nqa/fifo.jpg\nda/deeper\npa/deeper/y.bmp\nd.hidden\np.hidden/z.png\n"
        "db\npb/\xff.ppm\nt9\n".encode("latin-1"))
    put("directory", "loop", "da\npa/x.ppm\nla/up>..\ndb\nlb/other>../a\npb/y.ppm\nt5\n")
    put("directory", "links", "da\ndb\nla/1>../b\nla/2>../b\nlb/1>../a\npa/x.ppm\npb/x.ppm\nla/dead.jpg>nowhere\nt4\n")
    folders = "abcdefghi"
    put("directory", "cross-links", "".join(f"d{f}\n" for f in folders) + "pa/x.ppm\npb/x.ppm\n" +
        "".join(f"l{f}/{g}>../{g}\n" for f in folders for g in folders if f != g) + "t4\n")
    put("directory", "classes", "da\ndb\ndc\npa/1.ppm\npa/2.ppm\npb/1.ppm\npb/2.ppm\nt48\n")
    put("directory", "flat", "px.ppm\npy.png\nt3\n")
    for name, arguments in {"file": "-f\ncat.ppm", "directory": "-d\n.", "long": "--file=cat.ppm", "both": "-f\na\n-d\nb", "help": "--help",
                            "train": "--data\nx\n--epochs\n2\n--seed\n18446744073709551615", "missing": "-f", "unknown": "--foo\nbar"}.items():
        put("catdog", name, arguments)


trees()
images()
bombs()
archives()
pictures()
scripts()
