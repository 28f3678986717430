"""Lets real Keras read the files that keras_live_test wrote: loads, predicts the same to 1e-4, trains one step, loads the weights files.

Prints a line a case; the exit status is 1 where one failed. Usage: python live.py FOLDER
"""
import glob
import os
import sys
import traceback

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy
import tensorflow
import tf_keras

tensorflow.get_logger().setLevel("ERROR")
TOLERANCE = 1e-4


def read(path, shape):
    return numpy.fromfile(path, "<f4").reshape(shape)


def difference(model, x, y):
    worst = float(numpy.max(numpy.abs(model.predict(x, verbose=0) - y)))
    if not worst <= TOLERANCE:
        raise ValueError(f"predictions differ by {worst:.3g}")
    return worst


def labels(model, samples):
    """A class for the sparse loss, else one-hot, or 1."""
    outputs = model.output_shape[-1]
    if "parse" in str(model.loss):
        return numpy.zeros((samples, 1), "float32")
    y = numpy.zeros((samples, *model.output_shape[1:]), "float32")
    y[..., 0] = 1
    return y if outputs > 1 else y * (numpy.arange(samples) % 2).reshape(-1, 1)


def train(model, x):
    before = [w.copy() for w in model.get_weights()]
    model.train_on_batch(x, labels(model, len(x)))
    result = model.train_on_batch(x, labels(model, len(x)))         # the second one, where two make an update
    if not numpy.all(numpy.isfinite(result)):
        raise ValueError(f"a training step gave {result}")
    if all(numpy.array_equal(a, b) for a, b in zip(before, model.get_weights())):
        raise ValueError("a training step changed nothing")


def check_model(k, path):
    model = k.models.load_model(path)
    samples = 3
    x = read(path[:-3] + ".x", (samples, *model.input_shape[1:]))
    y = read(path[:-3] + ".y", (samples, *model.output_shape[1:]))
    worst = difference(model, x, y)
    compiled = getattr(model, "optimizer", None) is not None
    if compiled == ("not_compiled" in path):
        raise ValueError("compiled" if compiled else "not compiled")
    model.set_weights([w * 0 for w in model.get_weights()])
    model.load_weights(path[:-3] + "_weights.h5")
    difference(model, x, y)
    if not compiled:
        model.compile("sgd", "mse")
    train(model, x)
    return f"largest difference {worst:.1e}, weights file too, {'trained on' if compiled else 'compiled, trained'}"


def main(folder):
    failed = 0
    for k, name in [(tf_keras, "tf-keras"), (keras, "keras")]:
        for path in sorted(glob.glob(os.path.join(folder, "*.h5"))):
            newer = os.path.basename(path).startswith("keras3_")
            if path.endswith("_weights.h5") or (newer and k is tf_keras):
                continue
            try:
                print(f"ok      {name} {k.__version__}  {os.path.basename(path)}: {check_model(k, path)}", flush=True)
            except Exception as error:
                failed += 1
                print(f"FAILED  {name} {k.__version__}  {os.path.basename(path)}: {' '.join(str(error).split())[:600]}", flush=True)
                if os.environ.get("KNN_LIVE_TRACEBACK"):
                    traceback.print_exc()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
