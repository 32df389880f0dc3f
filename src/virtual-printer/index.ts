// The virtual printer: a Klippy without hardware, for first trials, for tests, and for client authors.

export { defaultPrinterCfg } from './default-printer-cfg.ts'
export type { KlippyState } from './lifecycle.ts'
export { VirtualPrinter, type VirtualPrinterOptions } from './virtual-printer.ts'
