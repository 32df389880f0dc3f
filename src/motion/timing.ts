// The times of Klipper's toolhead that no move contains, in seconds.

/** Between the first command after an idle time and its execution: Klipper fills its buffer first. */
export const LEAD = 0.25
/** What turning the motors off takes: Klipper pauses before and after it. */
export const MOTORS_OFF = 0.2
