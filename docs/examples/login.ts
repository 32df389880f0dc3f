// Logs in, and shows what the tokens are for: node login.ts ws://localhost:7125 USER PASSWORD
import { connect, Login } from 'moonraker-ts/client'

const [url = 'ws://localhost:7125', username = '', password = ''] = process.argv.slice(2)

// Keep the tokens, and no password is needed next time: new Login({ url, tokens, onTokens }).
const login = new Login({ url, username, password, onTokens: () => console.log('new tokens') })
// Asked for a token at each connection; it renews the token before it ends.
const client = await connect({ url, accessToken: login.token })
const user = await client.call('access.get_user')
console.log(user.username, 'is', user.role)

// Where no header can be sent (links, pictures, streams): a token for one request within 5 seconds.
const once = await client.call('access.oneshot_token')
const files = await fetch(`${url.replace('ws', 'http')}/server/files/list?root=gcodes&token=${once}`)
console.log('files:', await files.text())
client.close()
