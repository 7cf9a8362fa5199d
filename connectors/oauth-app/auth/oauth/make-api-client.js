// Printed from the list of the package grant 5.4.24 by `node tidy/print.ts`; change it there.
// Each app: where it tells who a token is of; its API is at the same origin.
const PROFILES = `
23andme https://api.23andme.com/3/account/
acton https://restapi.actonsoftware.com/api/1/account
acuityscheduling https://acuityscheduling.com/api/v1/me
adobe https://ims-na1.adobelogin.com/ims/userinfo/v2
aha https://[subdomain].aha.io/api/v1/me
amazon https://api.amazon.com/user/profile
angellist https://api.angel.co/1/me
apple 
arcgis https://www.arcgis.com/sharing/rest/community/self
asana https://app.asana.com/api/1.0/users/me
assembla https://api.assembla.com/v1/user.json
atlassian https://api.atlassian.com/me
auth0 https://[subdomain].auth0.com/userinfo
authentik https://[subdomain]/application/o/userinfo/
authentiq https://connect.authentiq.io/userinfo
authing https://[subdomain].authing.cn/oidc/me
autodesk https://developer.api.autodesk.com/userprofile/v1/users/@me
aweber https://api.aweber.com/1.0/accounts/me
axosoft https://[subdomain].axosoft.com/api/v5/me
baidu https://openapi.baidu.com/rest/2.0/passport/users/getLoggedInUser
basecamp https://launchpad.37signals.com/authorization.json
battlenet https://[subdomain].battle.net/oauth/userinfo
bitbucket https://api.bitbucket.org/2.0/user
bitly https://api-ssl.bitly.com/v4/user
box https://api.box.com/2.0/users/me
buffer https://api.bufferapp.com/1/user.json
campaignmonitor https://api.createsend.com/api/v3.1/clients.json
cas https://[subdomain]/oidc/profile
cheddar https://api.cheddarapp.com/v1/me
clio https://app.clio.com/api/v4/users/who_am_i.json
cognito https://[subdomain]/oauth2/userInfo
coinbase https://api.coinbase.com/v2/user
concur https://[subdomain].api.concursolutions.com/api/user/v1.0/user
constantcontact https://api.constantcontact.com/v2/account/info
coursera https://api.coursera.org/api/externalBasicProfiles.v1
crossid https://[subdomain].crossid.io/oauth2/userinfo
dailymotion https://api.dailymotion.com/user/me
deezer http://api.deezer.com/user/me
delivery https://api.delivery.com/customer/account
deputy https://[subdomain].deputy.com/api/v1/me
deviantart https://www.deviantart.com/api/v1/oauth2/user/whoami
digitalocean https://api.digitalocean.com/v2/account
discord https://discord.com/api/users/@me
disqus https://disqus.com/api/3.0/users/details.json
docusign https://account.docusign.com/oauth/userinfo
dribbble https://api.dribbble.com/v2/user
dropbox https://api.dropboxapi.com/2/users/get_current_account
ebay 
echosign https://api.echosign.com/api/rest/v6/users
ecwid 
edmodo https://api.edmodo.com/users/me
egnyte https://[subdomain].egnyte.com/puboauth/v1/userinfo
eventbrite https://www.eventbriteapi.com/v3/users/me/
eyeem https://api.eyeem.com/v2/users/me
facebook https://graph.facebook.com/me
familysearch https://api.familysearch.org/platform/users/current
feedly https://cloud.feedly.com/v3/profile
figma https://api.figma.com/v1/me
fitbit https://api.fitbit.com/1/user/-/profile.json
formstack 
foursquare https://api.foursquare.com/v2/users/self
freeagent 
freelancer 
fusionauth https://[subdomain]/oauth2/userinfo
genius 
getbase 
gitbook 
github https://api.github.com/user
gitlab https://gitlab.com/api/v3/user
gitter https://api.gitter.im/v1/user
google https://openidconnect.googleapis.com/v1/userinfo
groove 
gumroad 
harvest https://[subdomain].harvestapp.com/account/who_am_i
hellosign 
heroku https://api.heroku.com/account
homeaway 
hootsuite 
huddle 
ibm https://login.ibm.com/oidc/endpoint/default/userinfo
iconfinder 
idme 
idonethis 
imgur https://api.imgur.com/3/account/me.json
infusionsoft 
instagram https://graph.instagram.com/me
intuit 
jamendo 
jumplead 
kakao https://kapi.kakao.com/v1/user/me
keycloak https://[subdomain]/protocol/openid-connect/userinfo
line https://api.line.me/v2/profile
linkedin https://api.linkedin.com/v2/me
live https://apis.live.net/v5.0/me
livechat 
logingov https://idp.int.identitysandbox.gov/api/openid_connect/userinfo
lyft 
mailchimp https://[subdomain].api.mailchimp.com/2.0/metadata.json
mailup 
mailxpert 
mapmyfitness https://oauth2-api.mapmyapi.com/v7.1/user/self
mastodon 
medium 
meetup https://api.meetup.com/2/members
mendeley https://api.mendeley.com/profiles/me
mention 
microsoft https://graph.microsoft.com/oidc/userinfo
mixcloud https://api.mixcloud.com/me
moxtra 
myob 
naver https://openapi.naver.com/v1/nid/me
nest 
netlify https://api.netlify.com/api/v1/user
nokotime 
notion 
nylas 
okta https://[subdomain].okta.com/oauth2/v1/userinfo
onelogin 
openstreetmap2 https://api.openstreetmap.org/api/0.6/user/details.json
optimizely 
osu https://osu.ppy.sh/api/v2/me
patreon 
paypal 
phantauth https://phantauth.net/auth/userinfo
pinterest 
podio https://api.podio.com/user
procore https://api.procore.com/rest/v1.0/me
producthunt 
projectplace2 
pushbullet 
qq https://graph.qq.com/oauth2.0/me
redbooth https://redbooth.com/api/3/me
reddit https://oauth.reddit.com/api/v1/me
runkeeper https://api.runkeeper.com/user
salesforce https://login.salesforce.com/services/oauth2/userinfo
shoeboxed https://api.shoeboxed.com/v2/user
shopify https://[subdomain].myshopify.com/admin/shop.json
slack https://slack.com/api/auth.test
slice https://api.slice.com/api/v1/users/self
smartsheet 
snapchat https://kit.snapchat.com/v1/me
socialpilot 
socrata https://[subdomain]/api/users/current.json
soundcloud https://api.soundcloud.com/me.json
spotify https://api.spotify.com/v1/me
square https://connect.squareup.com/v1/me
stackexchange https://api.stackexchange.com/2.2/me
stocktwits https://api.stocktwits.com/api/2/account/verify.json
stormz https://api.stormz.me/v1/user/me
storyblok 
strava https://www.strava.com/api/v3/athlete
stripe https://api.stripe.com/v1/account
surveymonkey https://api.surveymonkey.net/v2/users/me
surveysparrow 
thingiverse https://api.thingiverse.com/users/me
ticketbud 
tiktok https://open-api.tiktok.com/user/info/
timelyapp 
todoist 
trakt https://api-v2launch.trakt.tv/users/me
traxo https://api.traxo.com/v2/me
twitch https://api.twitch.tv/helix/users
twitter2 https://api.twitter.com/2/users/me
typeform 
uber https://[subdomain].uber.com/v1/me
unbounce https://api.unbounce.com/users/self
underarmour https://api.ua.com/v7.1/user/self
unsplash 
untappd 
vend https://[subdomain].vendhq.com/api/users
venmo 
vercel https://api.vercel.com/www/user
verticalresponse 
viadeo 
vimeo https://api.vimeo.com/me
visualstudio https://app.vssps.visualstudio.com/_apis/profile/profiles/me?api-version=6.0
vk https://api.vk.com/method/users.get
wechat https://api.weixin.qq.com/sns/userinfo
weekdone 
weibo https://api.weibo.com/2/users/show.json
withings https://wbsapi.withings.net/v2/user
wordpress https://public-api.wordpress.com/rest/v1/me
workos https://api.workos.com/sso/profile
wrike 
yahoo https://api.login.yahoo.com/openid/v1/userinfo
yammer https://www.yammer.com/api/v1/users/current.json
yandex https://login.yandex.ru/info
zendesk https://[subdomain].zendesk.com/api/v2/users/me.json
zoom https://api.zoom.us/v2/users/me
`

export default function makeApiClient({ credentials, connectorParameters: given, connectionInput }) {
  const row = PROFILES.split('\n').find((each) => each.startsWith(`${given.app} `))
  const uri = given.apiUri || (row === undefined ? '' : /^https?:\/\/[^/?]+/.exec(row.split(' ')[1])[0])
  if (uri === '') throw new Error(`apiUri is missing: where the API of ${given.app} is`)
  const subdomain = connectionInput?.subdomain ?? given.subdomain
  if (uri.includes('[subdomain]') && !/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(subdomain ?? ''))
    throw new Error('subdomain is missing: the part of the address that is the account’s own')
  return {
    baseUri: uri.replace('[subdomain]', subdomain),
    headers: { authorization: `Bearer ${credentials.access_token}` },
  }
}
