// All components in the order in which they are built.
import printer from './printer/index.ts'

/** Every component but access, which the transports need first. */
export const componentTypes = [printer] as const
