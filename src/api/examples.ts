// Arguments to begin with, for the published documents: where a type alone does not show what is meant.
import type { CallOf } from './endpoint.ts'
import type { Api } from './index.ts'

type Examples = { readonly [M in keyof Api]?: CallOf<Api[M]> }

const EXAMPLES: Examples = {
  'server.connection.identify': {
    client_name: 'my client',
    version: '1.0.0',
    type: 'other',
    url: 'https://example.com/my-client',
  },
  'server.gcode_store': { count: 20 },
  'printer.objects.query': { objects: { print_stats: null, toolhead: ['position', 'homed_axes'] } },
  'printer.objects.subscribe': { objects: { print_stats: null, extruder: ['temperature', 'target'] } },
  'printer.gcode.script': { script: 'M117 Hello' },
  'printer.print.start': { filename: 'part.gcode' },
  'server.files.metadata': { filename: 'part.gcode' },
  'server.files.metascan': { filename: 'part.gcode' },
  'server.files.thumbnails': { filename: 'part.gcode' },
  'server.files.post_directory': { path: 'gcodes/new' },
  'server.files.delete_directory': { path: 'gcodes/new', force: false },
  'server.files.move': { source: 'gcodes/part.gcode', dest: 'gcodes/new/part.gcode' },
  'server.files.copy': { source: 'gcodes/part.gcode', dest: 'gcodes/part-2.gcode' },
  'server.files.zip': { items: ['config/printer.cfg', 'config/moonraker.conf'], dest: 'config/backup.zip' },
  'server.files.delete_file': { path: 'gcodes/part.gcode' },
  'access.login': { username: 'me', password: 'secret' },
  'access.post_user': { username: 'me', password: 'secret', role: 'operator' },
  'access.api_keys.create': { name: 'my client', role: 'operator' },
  'server.database.get_item': { namespace: 'my_client', key: 'settings' },
  'server.database.post_item': { namespace: 'my_client', key: 'settings.theme', value: 'dark' },
  'server.database.delete_item': { namespace: 'my_client', key: 'settings.theme' },
  'server.job_queue.post_job': { filenames: ['part.gcode'] },
  'server.history.list': { limit: 10, order: 'desc' },
}

/** Arguments with which `method` can be tried; undefined where its types say it all. */
export function exampleOf(method: string): Readonly<Record<string, unknown>> | undefined {
  return Object.hasOwn(EXAMPLES, method) ? EXAMPLES[method as keyof Api] : undefined
}
