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


RANDOM = ["dropout", "noise", "random"]
KEPT_OTHERWISE = ["adagrad", "nadam", "adafactor", "accumulation"]      # cases whose optimizer's state stays the library's


def check_archive(k, path):
    """A .keras archive and its .weights.h5. Keras 3 goes on with the optimizer's state: the next losses are the library's, too."""
    model = k.models.load_model(path)
    samples, name = 3, path[:-len(".keras")]
    x = read(name + ".x", (samples, *model.input_shape[1:]))
    y = read(name + ".y", (samples, *model.output_shape[1:]))
    worst = difference(model, x, y)
    if (getattr(model, "optimizer", None) is not None) == ("not_compiled" in path):
        raise ValueError("compiled or not, unlike the library's model")
    weights = model.get_weights()
    model.set_weights([w * 0 for w in weights])
    model.load_weights(name + ".weights.h5")
    difference(model, x, y)
    if not os.path.exists(name + ".losses"):
        return f"largest difference {worst:.1e}, .weights.h5 too"
    losses = read(name + ".losses", (3,))
    labels = read(name + ".labels", (samples, -1))
    mine = [float(numpy.ravel(model.train_on_batch(x, labels.reshape(samples, *model.output_shape[1:]) if labels.shape[1] > 1 else labels))[0]) for _ in losses]
    kept = not any(optimizer in path for optimizer in KEPT_OTHERWISE)
    same = k is keras and kept and not any(word in layer.name for layer in model.layers for word in RANDOM)
    if k is keras and kept and int(model.optimizer.iterations) != 1 + len(losses):
        raise ValueError(f"the optimizer says {int(model.optimizer.iterations)} steps, expected {1 + len(losses)}")
    if not same:
        return f"largest difference {worst:.1e}, .weights.h5 too, trained on"
    if not numpy.allclose(mine, losses, 1e-4, 1e-5):
        raise ValueError(f"losses {mine}, expected {losses}")
    return f"largest difference {worst:.1e}, .weights.h5 too, goes on with the same losses"


def main(folder):
    failed = 0
    for k, name in [(tf_keras, "tf-keras"), (keras, "keras")]:
        for path in sorted(glob.glob(os.path.join(folder, "*.h5")) + glob.glob(os.path.join(folder, "*.keras"))):
            newer = os.path.basename(path).startswith("keras3_")
            if path.endswith("weights.h5") or (newer and k is tf_keras):
                continue
            check = check_archive if path.endswith(".keras") else check_model
            try:
                print(f"ok      {name} {k.__version__}  {os.path.basename(path)}: {check(k, path)}", flush=True)
            except Exception as error:
                failed += 1
                print(f"FAILED  {name} {k.__version__}  {os.path.basename(path)}: {' '.join(str(error).split())[:600]}", flush=True)
                if os.environ.get("KNN_LIVE_TRACEBACK"):
                    traceback.print_exc()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
