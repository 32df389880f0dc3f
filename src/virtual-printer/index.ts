// The virtual printer: a Klippy that needs no hardware, for trying things out, for tests, and for client authors.

export { defaultPrinterCfg } from './default-printer-cfg.ts'
export type { KlippyState } from './life.ts'
export { VirtualPrinter, type VirtualPrinterOptions } from './virtual-printer.ts'
