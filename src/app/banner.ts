// The text on the console after the start: where the server listens and what to try.

import { reachableUrls } from '../core/addresses.ts'
import { print } from '../core/output.ts'
import type { DataPaths } from '../core/paths.ts'
import type { RunningServer } from './server.ts'

/** Writes the server's addresses, first commands to try, and the warnings. */
export function printBanner(server: RunningServer, paths: DataPaths): void {
  const urls = reachableUrls(server)
  const first = urls[0] ?? ''
  print(
    `\nmoonraker-ts is up: ${urls.join('  ')}\n` +
      `  data folder  ${paths.data}\n` +
      `  try          curl ${first}/server/info\n` +
      `               curl -F file=@model.gcode -F print=true ${first}/server/files/upload\n` +
      '  Ctrl-C stops it.\n\n',
  )
  for (const warning of server.warnings.list()) print(`warning: ${warning}\n`)
}
