/* Work of a device that is recorded once and queued again as a whole: see knn__device_class. */
#ifndef KNN_BACKEND_CUDA_GRAPH_H
#define KNN_BACKEND_CUDA_GRAPH_H

#include "backend/cuda/device.h"

bool knn__cuda_record(knn_device *device);
knn_recording *knn__cuda_recorded(knn_device *device);
void knn__cuda_replay(knn_device *device, knn_recording *recording);
void knn__cuda_forget(knn_device *device, knn_recording *recording);

#endif
