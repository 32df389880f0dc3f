// The front-ends that the configuration of nginx names, in the forms in which installers write it.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { nginxFrontends } from '../../../src/components/server/nginx-frontends.ts'
import { SystemFiles } from '../../../src/core/system-files.ts'

const SITE = `# Written by an installer: server { listen 8888; root /x/fluidd; }
server {
    listen 80 default_server;
    # listen [::]:80;
    access_log /var/log/nginx/mainsail-access.log;
    client_max_body_size 0;
    root /home/pi/mainsail;
    index index.html;
    location / { try_files $uri $uri/ /index.html; }
    location /webcam/ { proxy_pass http://mjpgstreamer1/; }
}
`

const OTHERS = `upstream apiserver { server 127.0.0.1:7125; }
server { listen unix:/run/x.sock; listen 127.0.0.1:81; root /home/pi/fluidd; }
server { listen [::]:8443 ssl; root "/home/pi/fluidd/"; }
server { listen 8080; root /home/pi/fluidd; }
server { root /home/pi/mainsail; listen 9000; }
server { listen 82; root /var/www/html; }
server { listen`

/** A machine with these files; `nginx` is whether nginx runs on it. */
function machine(files: Readonly<Record<string, string>>, nginx = true) {
  const root = mkdtempSync(join(tmpdir(), 'nginx-'))
  for (const [path, content] of Object.entries({ ...files, ...(nginx && { '/run/nginx.pid': '1' }) })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return { files: new SystemFiles(root), [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
}

test('the sites of Mainsail and Fluidd are found, each at the first address that others can reach', async () => {
  using full = machine({ '/etc/nginx/sites-enabled/mainsail': SITE, '/etc/nginx/conf.d/others.conf': OTHERS })
  assert.deepEqual(await nginxFrontends(full.files), [
    { name: 'mainsail', scheme: 'http', port: 80 },
    { name: 'fluidd', scheme: 'https', port: 8443 },
  ])
})

test('there are none without nginx, and while it does not run', async () => {
  using empty = machine({}, false)
  using stopped = machine({ '/etc/nginx/sites-enabled/mainsail': SITE }, false)
  assert.deepEqual([await nginxFrontends(empty.files), await nginxFrontends(stopped.files)], [[], []])
})
