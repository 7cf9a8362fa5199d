// Printed from the list of the package grant 5.4.24 by `node tidy/print.ts`; change it there.
// Each app: where, at its API, it tells who a token is of.
const PATHS = `
23andme /3/account/
acton /api/1/account
acuityscheduling /api/v1/me
adobe /ims/userinfo/v2
aha /api/v1/me
amazon /user/profile
angellist /1/me
apple 
arcgis /sharing/rest/community/self
asana /api/1.0/users/me
assembla /v1/user.json
atlassian /me
auth0 /userinfo
authentik /application/o/userinfo/
authentiq /userinfo
authing /oidc/me
autodesk /userprofile/v1/users/@me
aweber /1.0/accounts/me
axosoft /api/v5/me
baidu /rest/2.0/passport/users/getLoggedInUser
basecamp /authorization.json
battlenet /oauth/userinfo
bitbucket /2.0/user
bitly /v4/user
box /2.0/users/me
buffer /1/user.json
campaignmonitor /api/v3.1/clients.json
cas /oidc/profile
cheddar /v1/me
clio /api/v4/users/who_am_i.json
cognito /oauth2/userInfo
coinbase /v2/user
concur /api/user/v1.0/user
constantcontact /v2/account/info
coursera /api/externalBasicProfiles.v1
crossid /oauth2/userinfo
dailymotion /user/me
deezer /user/me
delivery /customer/account
deputy /api/v1/me
deviantart /api/v1/oauth2/user/whoami
digitalocean /v2/account
discord /api/users/@me
disqus /api/3.0/users/details.json
docusign /oauth/userinfo
dribbble /v2/user
dropbox /2/users/get_current_account
ebay 
echosign /api/rest/v6/users
ecwid 
edmodo /users/me
egnyte /puboauth/v1/userinfo
eventbrite /v3/users/me/
eyeem /v2/users/me
facebook /me
familysearch /platform/users/current
feedly /v3/profile
figma /v1/me
fitbit /1/user/-/profile.json
formstack 
foursquare /v2/users/self
freeagent 
freelancer 
fusionauth /oauth2/userinfo
genius 
getbase 
gitbook 
github /user
gitlab /api/v3/user
gitter /v1/user
google /v1/userinfo
groove 
gumroad 
harvest /account/who_am_i
hellosign 
heroku /account
homeaway 
hootsuite 
huddle 
ibm /oidc/endpoint/default/userinfo
iconfinder 
idme 
idonethis 
imgur /3/account/me.json
infusionsoft 
instagram /me
intuit 
jamendo 
jumplead 
kakao /v1/user/me
keycloak /protocol/openid-connect/userinfo
line /v2/profile
linkedin /v2/me
live /v5.0/me
livechat 
logingov /api/openid_connect/userinfo
lyft 
mailchimp /2.0/metadata.json
mailup 
mailxpert 
mapmyfitness /v7.1/user/self
mastodon 
medium 
meetup /2/members
mendeley /profiles/me
mention 
microsoft /oidc/userinfo
mixcloud /me
moxtra 
myob 
naver /v1/nid/me
nest 
netlify /api/v1/user
nokotime 
notion 
nylas 
okta /oauth2/v1/userinfo
onelogin 
openstreetmap2 /api/0.6/user/details.json
optimizely 
osu /api/v2/me
patreon 
paypal 
phantauth /auth/userinfo
pinterest 
podio /user
procore /rest/v1.0/me
producthunt 
projectplace2 
pushbullet 
qq /oauth2.0/me
redbooth /api/3/me
reddit /api/v1/me
runkeeper /user
salesforce /services/oauth2/userinfo
shoeboxed /v2/user
shopify /admin/shop.json
slack /api/auth.test
slice /api/v1/users/self
smartsheet 
snapchat /v1/me
socialpilot 
socrata /api/users/current.json
soundcloud /me.json
spotify /v1/me
square /v1/me
stackexchange /2.2/me
stocktwits /api/2/account/verify.json
stormz /v1/user/me
storyblok 
strava /api/v3/athlete
stripe /v1/account
surveymonkey /v2/users/me
surveysparrow 
thingiverse /users/me
ticketbud 
tiktok /user/info/
timelyapp 
todoist 
trakt /users/me
traxo /v2/me
twitch /helix/users
twitter2 /2/users/me
typeform 
uber /v1/me
unbounce /users/self
underarmour /v7.1/user/self
unsplash 
untappd 
vend /api/users
venmo 
vercel /www/user
verticalresponse 
viadeo 
vimeo /me
visualstudio /_apis/profile/profiles/me?api-version=6.0
vk /method/users.get
wechat /sns/userinfo
weekdone 
weibo /2/users/show.json
withings /v2/user
wordpress /rest/v1/me
workos /sso/profile
wrike 
yahoo /openid/v1/userinfo
yammer /api/v1/users/current.json
yandex /info
zendesk /api/v2/users/me.json
zoom /v2/users/me
`

export default async function test({ apiClient, connectorParameters: given }) {
  if (given.testPath) return (await apiClient.get(given.testPath))?.ok !== false
  const row = PATHS.split('\n').find((each) => each.startsWith(`${given.app} `))
  // Nobody knows what to ask an API for that is elsewhere.
  if (row === undefined || given.apiUri) return true
  try {
    // There are apps that say it beside a status of 200.
    return (await apiClient.get(row.split(' ')[1]))?.ok !== false
  } catch (error) {
    const status = error.data?.status
    if (status === undefined) throw error
    // What else an app may answer, to a token of few rights or at an address of former days, says nothing of the token.
    return status !== 401
  }
}
