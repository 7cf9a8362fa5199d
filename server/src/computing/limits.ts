/** Processor time that one evaluation of what users wrote may take, in milliseconds. */
export const COMPUTE_MS = 250
