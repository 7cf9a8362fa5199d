const MIB = 1024 * 1024

/** Largest body taken in, in bytes. */
export const BODY_BYTES_MAX = 10 * MIB

/** How deep JSON may nest, in objects and arrays: at the door, in answers of others, in what functions return. */
export const JSON_DEPTH_MAX = 200

/** How many values (objects, arrays and scalars) one JSON text may hold. */
export const JSON_VALUES_MAX = 1_000_000

/** How many fields a form may have: each name is looked up among the others. */
export const FORM_FIELDS_MAX = 20_000

/** A form up to this length is read in one go, where that cannot be done in turns. */
export const FORM_CHARS_AT_ONCE = 256 * 1024

/** How many values what users define may hold in one request: they are all looked at, by hand and by formulas. */
export const DEFINITION_VALUES_MAX = 50_000

/** JSON up to this length is parsed in one go; what is longer is parsed in slices, between which others have their turn. */
export const JSON_CHARS_AT_ONCE = 256 * 1024

export interface IntakeLimits {
  /** Bytes of bodies that may be in hand, over all requests that are not answered. */
  bytesMax: number
  /** Part of them that one sender, and one owner of an address or a token, may have. */
  shareOfOne: number
  /** Part of them that all of one workspace may have. */
  shareOfWorkspace: number
  /** Bodies up to this size have a reserve that larger ones cannot take, whoever sends them. */
  smallBytes: number
  reserveBytes: number
  /** A body of which nothing more came for so long is given up, in milliseconds. */
  silenceMsMax: number
  /** A body that is not whole after so long is given up, in milliseconds. */
  bodyMsMax: number
}

export const INTAKE_LIMITS: IntakeLimits = {
  bytesMax: 128 * MIB,
  shareOfOne: 0.25,
  shareOfWorkspace: 0.75,
  smallBytes: 64 * 1024,
  reserveBytes: 32 * MIB,
  silenceMsMax: 10_000,
  bodyMsMax: 60_000,
}
