"""Checks a log that training_tensorboard_test wrote: read by TensorBoard's EventAccumulator, and asked of a TensorBoard that runs on it.

Beside the log lie history.csv and weights.h5 with the numbers that it must show. Prints a line a case; the exit status is 1 where one
failed. Usage: python tensorboard_log.py FOLDER
"""
import csv
import io
import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import h5py
import numpy
import tensorflow
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.histogram import summary_v2
from tensorboard.util import tensor_util

LAST = 3


def same(what, expected, got):
    if not numpy.allclose(expected, got, rtol=1e-6, atol=0):
        raise ValueError(f"{what}: expected {expected}, got {got}")


def expected_curves(folder):
    """{(run, tag): values by epoch}"""
    with open(os.path.join(folder, "history.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    return {("validation" if key.startswith("val_") else "train", "epoch_" + key.removeprefix("val_")): [float(row[key]) for row in rows]
            for key in rows[0] if key != "epoch"}


def load(folder, run):
    accumulator = event_accumulator.EventAccumulator(os.path.join(folder, "log", run), size_guidance={event_accumulator.TENSORS: 0})
    accumulator.Reload()
    return accumulator


def check_curves(folder):
    for (run, tag), values in expected_curves(folder).items():
        events = load(folder, run).Tensors(tag)
        same(f"{run} {tag} steps", list(range(len(values))), [event.step for event in events])
        same(f"{run} {tag}", values, [tensor_util.make_ndarray(event.tensor_proto) for event in events])
    same("batch_loss steps", [2, 4, 6, 8, 10, 12], [event.step for event in load(folder, "train").Tensors("batch_loss")])
    return f"{len(expected_curves(folder))} curves"


def tf_images(weight):
    """The files of tf.summary.image for a weight, by the rule of Keras' callback."""
    image = numpy.squeeze(weight)
    if image.ndim == 1:
        image = image.reshape(1, -1, 1, 1)
    elif image.ndim == 2:
        image = (image.T if image.shape[0] > image.shape[1] else image)[None, ..., None]
    elif image.ndim == 3:
        image = numpy.transpose(image, (2, 0, 1))[..., None]
    return tensorflow.image.convert_image_dtype(image[:3], tensorflow.uint8, saturate=True).numpy() if image.ndim == 4 else None


def check_weights(folder):
    train = load(folder, "train")
    checked = 0
    with h5py.File(os.path.join(folder, "weights.h5")) as file:
        for layer in file.attrs["layer_names"]:
            for name in file[layer].attrs["weight_names"]:
                name = name.decode() if isinstance(name, bytes) else name
                weight = file[layer.decode() if isinstance(layer, bytes) else layer][name][()]
                tag = name.replace(":", "_")
                last = train.Tensors(tag + "/histogram")[-1]
                buckets = tensor_util.make_ndarray(last.tensor_proto)
                expected = tensor_util.make_ndarray(summary_v2.histogram_pb(tag, weight).value[0].tensor)
                same(tag + " histogram", expected[:, 2], buckets[:, 2])
                if not numpy.allclose(expected, buckets, rtol=1e-6, atol=1e-9):
                    raise ValueError(f"{tag}: edges {expected[:3]}, got {buckets[:3]}")
                images = tf_images(weight)
                if images is not None:
                    texts = tensor_util.make_ndarray(train.Tensors(tag + "/image")[-1].tensor_proto)
                    same(tag + " size", [images.shape[2], images.shape[1]], [int(text) for text in texts[:2]])
                    for image, text in zip(images, texts[2:], strict=True):
                        if not numpy.array_equal(image, tensorflow.io.decode_png(text).numpy()):
                            raise ValueError(f"{tag}: another picture than TensorFlow's")
                checked += 1
    return f"{checked} weights as histograms and pictures, equal to TensorFlow's own"


def ask(server, path, **query):
    with urllib.request.urlopen(f"{server}/data/{path}?{urllib.parse.urlencode(query)}", timeout=20) as answer:
        return answer.read().decode()


def wait_for_runs(server, process):
    for _ in range(300):
        if process.poll() is not None:
            raise ValueError("TensorBoard ended")
        try:
            if sorted(json.loads(ask(server, "runs"))) == ["train", "validation"] and \
                    json.loads(ask(server, "plugin/scalars/tags")).get("validation"):
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise ValueError("TensorBoard shows no runs")


def check_pages(folder, server):
    scalars = json.loads(ask(server, "plugin/scalars/tags"))
    for (run, tag), values in expected_curves(folder).items():
        if tag not in scalars[run]:
            raise ValueError(f"{run} {tag} is not on the page of scalars: {sorted(scalars[run])}")
        points = list(csv.DictReader(io.StringIO(ask(server, "plugin/scalars/scalars", run=run, tag=tag, format="csv"))))
        same(f"{run} {tag} shown", values, [float(point["Value"]) for point in points])
    print("        scalars:", {run: sorted(tags) for run, tags in scalars.items()})
    histograms = json.loads(ask(server, "plugin/histograms/tags"))["train"]
    same("histogram shown", LAST, json.loads(ask(server, "plugin/histograms/histograms", run="train", tag="dense/kernel_0/histogram"))[-1][1])
    images = json.loads(ask(server, "plugin/images/tags"))["train"]
    graph = ask(server, "plugin/graphs/graph", run="train", tag="keras", conceptual="true")
    for layer in ["conv2d", "batch_normalization", "dense_1"]:
        if f'"{layer}"' not in graph and f"/{layer}" not in graph:
            raise ValueError(f"{layer} is not in the graph")
    return f"{sum(len(tags) for tags in scalars.values())} scalars, {len(histograms)} histograms, {len(images)} images, the graph"


def check_server(folder):
    port = 16000 + os.getpid() % 16000
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", os.path.join(folder, "log"), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    try:
        server = f"http://127.0.0.1:{port}"
        wait_for_runs(server, process)
        return check_pages(folder, server)
    finally:
        process.terminate()
        process.wait()


def main(folder):
    failed = 0
    for name, check in [("EventAccumulator, curves", check_curves), ("EventAccumulator, weights", check_weights),
                        ("TensorBoard over HTTP", check_server)]:
        try:
            print(f"ok      {name}: {check(folder)}", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED  {name}: {type(error).__name__} {' '.join(str(error).split())[:600]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
