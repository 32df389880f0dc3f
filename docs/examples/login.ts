// Logs in and shows how to use the tokens: node login.ts ws://localhost:7125 USER PASSWORD
import { connect, Login } from 'moonraker-ts/client'

const [url = 'ws://localhost:7125', username = '', password = ''] = process.argv.slice(2)

// Store the tokens to log in without the password next time: new Login({ url, tokens, onTokens }).
const login = new Login({ url, username, password, onTokens: () => console.log('new tokens') })
// The client gets a token for each connection; Login renews it before it expires.
const client = await connect({ url, accessToken: login.token })
const user = await client.call('access.get_user')
console.log(user.username, 'is', user.role)

// For links, pictures and streams, which cannot send a header: a token for one request within 5 seconds.
const once = await client.call('access.oneshot_token')
const files = await fetch(`${url.replace('ws', 'http')}/server/files/list?root=gcodes&token=${once}`)
console.log('files:', await files.text())
client.close()
