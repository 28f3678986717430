/* What tensor cores do: products of small matrices by a warp, in TF32: fp32 of which 10 bits behind the point are looked at. */
#ifndef TESTS_CUDA_EMULATOR_TENSOR_CORES_H
#define TESTS_CUDA_EMULATOR_TENSOR_CORES_H

namespace emulator {

/* To nearest; ties away from 0. */
float rounded_to_tf32(float number);

/* What a lane has of left[16][8], right[8][8] and sums[16][8]: mma.m16n8k8 in NVIDIA's manual. */
struct tensor_lane { float left[4], right[2], sums[4]; };

/* sums += left right, by all lanes of the warp. The place is for messages, and stays alive. */
void add_products_in_tf32(const char *file, int line, tensor_lane &mine);

}

#endif
