// Where the component keeps its data in the database. Moonraker stores the active spool in the same place.

/** The namespace of the record. */
export const NAMESPACE = 'moonraker'
/** The key of the record; its field `spool_id` is Moonraker's. */
export const RECORD = 'spoolman'
