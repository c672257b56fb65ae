/** Thrown while a loop is turned into vector code: the loop stays as it is. The message says why. */
export class VectorRefusal extends Error {}
