/* What tests ask of the emulator, on a GPU of NVIDIA's, which is set to nothing, and does not complain. */
#include "emulator.h"

void emulator_set_capability(int capability) { (void)capability; }
void emulator_set_order(int order) { (void)order; }
const char *emulator_complaint(void) { return ""; }
size_t emulator_live(void) { return 0; }
