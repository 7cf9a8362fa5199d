// Printed from the list of the package grant 5.4.24 by `node tidy/print.ts`; change it there.
// Each app: where people are sent, where a code becomes a token, and what stands between scopes.
const APPS = `
23andme https://api.23andme.com/authorize https://api.23andme.com/token space
acton https://restapi.actonsoftware.com/authorize https://restapi.actonsoftware.com/token ,
acuityscheduling https://acuityscheduling.com/oauth2/authorize https://acuityscheduling.com/oauth2/token ,
adobe https://ims-na1.adobelogin.com/ims/authorize/v2 https://ims-na1.adobelogin.com/ims/token/v3 ,
aha https://[subdomain].aha.io/oauth/authorize https://[subdomain].aha.io/oauth/token ,
amazon https://www.amazon.com/ap/oa https://api.amazon.com/auth/o2/token space
angellist https://angel.co/api/oauth/authorize https://angel.co/api/oauth/token space
apple https://appleid.apple.com/auth/authorize https://appleid.apple.com/auth/token space
arcgis https://www.arcgis.com/sharing/rest/oauth2/authorize https://www.arcgis.com/sharing/rest/oauth2/token ,
asana https://app.asana.com/-/oauth_authorize https://app.asana.com/-/oauth_token space
assembla https://api.assembla.com/authorization https://api.assembla.com/token ,
atlassian https://auth.atlassian.com/authorize https://auth.atlassian.com/oauth/token space
auth0 https://[subdomain].auth0.com/authorize https://[subdomain].auth0.com/oauth/token space
authentik https://[subdomain]/application/o/authorize/ https://[subdomain]/application/o/token/ space
authentiq https://connect.authentiq.io/sign-in https://connect.authentiq.io/token space
authing https://[subdomain].authing.cn/oidc/auth https://[subdomain].authing.cn/oidc/token space
autodesk https://developer.api.autodesk.com/authentication/v2/authorize https://developer.api.autodesk.com/authentication/v2/token space
aweber https://auth.aweber.com/oauth2/authorize https://auth.aweber.com/oauth2/token space
axosoft https://[subdomain].axosoft.com/auth https://[subdomain].axosoft.com/api/oauth2/token space
baidu https://openapi.baidu.com/oauth/2.0/authorize https://openapi.baidu.com/oauth/2.0/token ,
basecamp https://launchpad.37signals.com/authorization/new https://launchpad.37signals.com/authorization/token ,
battlenet https://[subdomain].battle.net/oauth/authorize https://[subdomain].battle.net/oauth/token space
bitbucket https://bitbucket.org/site/oauth2/authorize https://bitbucket.org/site/oauth2/access_token space
bitly https://bitly.com/oauth/authorize https://api-ssl.bitly.com/oauth/access_token ,
box https://api.box.com/oauth2/authorize https://api.box.com/oauth2/token space
buffer https://bufferapp.com/oauth2/authorize https://api.bufferapp.com/1/oauth2/token.json ,
campaignmonitor https://api.createsend.com/oauth https://api.createsend.com/oauth/token ,
cas https://[subdomain]/oidc/authorize https://[subdomain]/oidc/token ,
cheddar https://api.cheddarapp.com/oauth/authorize https://api.cheddarapp.com/oauth/token ,
clio https://app.clio.com/oauth/authorize https://app.clio.com/oauth/token ,
cognito https://[subdomain]/oauth2/authorize https://[subdomain]/oauth2/token space
coinbase https://www.coinbase.com/oauth/authorize https://www.coinbase.com/oauth/token space
concur https://[subdomain].api.concursolutions.com/oauth2/v0/authorize https://[subdomain].api.concursolutions.com/oauth2/v0/token ,
constantcontact https://oauth2.constantcontact.com/oauth2/oauth/siteowner/authorize https://oauth2.constantcontact.com/oauth2/oauth/token ,
coursera https://accounts.coursera.org/oauth2/v1/auth https://accounts.coursera.org/oauth2/v1/token space
crossid https://[subdomain].crossid.io/oauth2/auth https://[subdomain].crossid.io/oauth2/token space
dailymotion https://www.dailymotion.com/oauth/authorize https://api.dailymotion.com/oauth/token ,
deezer https://connect.deezer.com/oauth/auth.php https://connect.deezer.com/oauth/access_token.php ,
delivery https://api.delivery.com/third_party/authorize https://api.delivery.com/third_party/access_token ,
deputy https://once.deputy.com/my/oauth/login https://once.deputy.com/my/oauth/access_token ,
deviantart https://www.deviantart.com/oauth2/authorize https://www.deviantart.com/oauth2/token space
digitalocean https://cloud.digitalocean.com/v1/oauth/authorize https://cloud.digitalocean.com/v1/oauth/token space
discord https://discord.com/api/oauth2/authorize https://discord.com/api/oauth2/token space
disqus https://disqus.com/api/oauth/2.0/authorize/ https://disqus.com/api/oauth/2.0/access_token/ ,
docusign https://account.docusign.com/oauth/auth https://account.docusign.com/oauth/token ,
dribbble https://dribbble.com/oauth/authorize https://dribbble.com/oauth/token space
dropbox https://www.dropbox.com/oauth2/authorize https://api.dropboxapi.com/oauth2/token ,
ebay https://signin.ebay.com/authorize https://api.ebay.com/identity/v1/oauth2/token space
echosign https://secure.echosign.com/public/oauth https://secure.echosign.com/oauth/token space
ecwid https://my.ecwid.com/api/oauth/authorize https://my.ecwid.com/api/oauth/token space
edmodo https://api.edmodo.com/oauth/authorize https://api.edmodo.com/oauth/token space
egnyte https://[subdomain].egnyte.com/puboauth/token https://[subdomain].egnyte.com/puboauth/token space
eventbrite https://www.eventbrite.com/oauth/authorize https://www.eventbrite.com/oauth/token ,
eyeem https://www.eyeem.com/oauth/authorize https://api.eyeem.com/v2/oauth/token ,
facebook https://www.facebook.com/dialog/oauth https://graph.facebook.com/oauth/access_token ,
familysearch https://ident.familysearch.org/cis-web/oauth2/v3/authorization https://ident.familysearch.org/cis-web/oauth2/v3/token space
feedly https://cloud.feedly.com/v3/auth/auth https://cloud.feedly.com/v3/auth/token ,
figma https://www.figma.com/oauth https://www.figma.com/api/oauth/token ,
fitbit https://www.fitbit.com/oauth2/authorize https://api.fitbit.com/oauth2/token space
formstack https://www.formstack.com/api/v2/oauth2/authorize https://www.formstack.com/api/v2/oauth2/token ,
foursquare https://foursquare.com/oauth2/authenticate https://foursquare.com/oauth2/access_token ,
freeagent https://api.freeagent.com/v2/approve_app https://api.freeagent.com/v2/token_endpoint ,
freelancer https://accounts.freelancer.com/oauth/authorize https://accounts.freelancer.com/oauth/token space
fusionauth https://[subdomain]/oauth2/authorize https://[subdomain]/oauth2/token space
genius https://api.genius.com/oauth/authorize https://api.genius.com/oauth/token space
getbase https://api.getbase.com/oauth2/authorize https://api.getbase.com/oauth2/token space
gitbook https://api.gitbook.com/oauth/authorize https://api.gitbook.com/oauth/access_token ,
github https://github.com/login/oauth/authorize https://github.com/login/oauth/access_token ,
gitlab https://gitlab.com/oauth/authorize https://gitlab.com/oauth/token space
gitter https://gitter.im/login/oauth/authorize https://gitter.im/login/oauth/token ,
google https://accounts.google.com/o/oauth2/v2/auth https://oauth2.googleapis.com/token space
groove https://api.groovehq.com/oauth/authorize https://api.groovehq.com/oauth/token ,
gumroad https://gumroad.com/oauth/authorize https://gumroad.com/oauth/token space
harvest https://api.harvestapp.com/oauth2/authorize https://api.harvestapp.com/oauth2/token ,
hellosign https://www.hellosign.com/oauth/authorize https://www.hellosign.com/oauth/token ,
heroku https://id.heroku.com/oauth/authorize https://id.heroku.com/oauth/token ,
homeaway https://ws.homeaway.com/oauth/authorize https://ws.homeaway.com/oauth/token ,
hootsuite https://platform.hootsuite.com/oauth2/auth https://platform.hootsuite.com/oauth2/token ,
huddle https://login.huddle.net/request https://login.huddle.net/token ,
ibm https://login.ibm.com/oidc/endpoint/default/authorize https://login.ibm.com/oidc/endpoint/default/token ,
iconfinder https://www.iconfinder.com/api/v2/oauth2/authorize https://www.iconfinder.com/api/v2/oauth2/token ,
idme https://api.id.me/oauth/authorize https://api.id.me/oauth/token ,
idonethis https://idonethis.com/api/oauth2/authorize/ https://idonethis.com/api/oauth2/token/ ,
imgur https://api.imgur.com/oauth2/authorize https://api.imgur.com/oauth2/token ,
infusionsoft https://signin.infusionsoft.com/app/oauth/authorize https://api.infusionsoft.com/token ,
instagram https://api.instagram.com/oauth/authorize https://api.instagram.com/oauth/access_token space
intuit https://appcenter.intuit.com/connect/oauth2 https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer space
jamendo https://api.jamendo.com/v3.0/oauth/authorize https://api.jamendo.com/v3.0/oauth/grant ,
jumplead https://account.mooloop.com/oauth/authorize https://account.mooloop.com/oauth/access_token ,
kakao https://kauth.kakao.com/oauth/authorize https://kauth.kakao.com/oauth/token ,
keycloak https://[subdomain]/protocol/openid-connect/auth https://[subdomain]/protocol/openid-connect/token space
line https://access.line.me/oauth2/v2.1/authorize https://api.line.me/oauth2/v2.1/token space
linkedin https://www.linkedin.com/oauth/v2/authorization https://www.linkedin.com/oauth/v2/accessToken space
live https://login.live.com/oauth20_authorize.srf https://login.live.com/oauth20_token.srf ,
livechat https://accounts.livechatinc.com/ https://accounts.livechatinc.com/token ,
logingov https://idp.int.identitysandbox.gov/openid_connect/authorize https://idp.int.identitysandbox.gov/api/openid_connect/token space
lyft https://api.lyft.com/oauth/authorize https://api.lyft.com/oauth/token space
mailchimp https://login.mailchimp.com/oauth2/authorize https://login.mailchimp.com/oauth2/token ,
mailup https://services.mailup.com/Authorization/OAuth/Authorization https://services.mailup.com/Authorization/OAuth/Token ,
mailxpert https://app.mailxpert.ch/oauth/v2/auth https://app.mailxpert.ch/oauth/v2/token ,
mapmyfitness https://www.mapmyfitness.com/v7.1/oauth2/uacf/authorize https://api.mapmyfitness.com/v7.1/oauth2/access_token ,
mastodon https://[subdomain]/oauth/authorize https://[subdomain]/oauth/token space
medium https://medium.com/m/oauth/authorize https://api.medium.com/v1/tokens ,
meetup https://secure.meetup.com/oauth2/authorize https://secure.meetup.com/oauth2/access space
mendeley https://api.mendeley.com/oauth/authorize https://api.mendeley.com/oauth/token ,
mention https://web.mention.com/authorize https://web.mention.net/oauth/v2/token ,
microsoft https://login.microsoftonline.com/common/oauth2/v2.0/authorize https://login.microsoftonline.com/common/oauth2/v2.0/token space
mixcloud https://www.mixcloud.com/oauth/authorize https://www.mixcloud.com/oauth/access_token ,
moxtra https://api.moxtra.com/oauth/authorize https://api.moxtra.com/oauth/token space
myob https://secure.myob.com/oauth2/account/authorize https://secure.myob.com/oauth2/v1/authorize ,
naver https://nid.naver.com/oauth2.0/authorize https://nid.naver.com/oauth2.0/token ,
nest https://home.nest.com/login/oauth2 https://api.home.nest.com/oauth2/access_token ,
netlify https://app.netlify.com/authorize https://api.netlify.com/oauth/token ,
nokotime https://secure.nokotime.com/oauth/2/authorize https://secure.nokotime.com/oauth/2/access_token ,
notion https://api.notion.com/v1/oauth/authorize https://api.notion.com/v1/oauth/token ,
nylas https://api.nylas.com/oauth/authorize https://api.nylas.com/oauth/token ,
okta https://[subdomain].okta.com/oauth2/v1/authorize https://[subdomain].okta.com/oauth2/v1/token space
onelogin https://[subdomain].onelogin.com/oidc/auth https://[subdomain].onelogin.com/oidc/token space
openstreetmap2 https://www.openstreetmap.org/oauth2/authorize https://www.openstreetmap.org/oauth2/token space
optimizely https://app.optimizely.com/oauth2/authorize https://app.optimizely.com/oauth2/token ,
osu https://osu.ppy.sh/oauth/authorize https://osu.ppy.sh/oauth/token space
patreon https://www.patreon.com/oauth2/authorize https://www.patreon.com/api/oauth2/token space
paypal https://www.paypal.com/webapps/auth/protocol/openidconnect/v1/authorize https://api.paypal.com/v1/identity/openidconnect/tokenservice space
phantauth https://phantauth.net/auth/authorize https://phantauth.net/auth/token space
pinterest https://api.pinterest.com/oauth/ https://api.pinterest.com/v1/oauth/token ,
podio https://podio.com/oauth/authorize https://podio.com/oauth/token ,
procore https://login.procore.com/oauth/authorize https://login.procore.com/oauth/token ,
producthunt https://api.producthunt.com/v1/oauth/authorize https://api.producthunt.com/v1/oauth/token space
projectplace2 https://api.projectplace.com/oauth2/authorize https://api.projectplace.com/oauth2/access_token ,
pushbullet https://www.pushbullet.com/authorize https://api.pushbullet.com/oauth2/token ,
qq https://graph.qq.com/oauth2.0/authorize https://graph.qq.com/oauth2.0/token ,
redbooth https://redbooth.com/oauth2/authorize https://redbooth.com/oauth2/token ,
reddit https://ssl.reddit.com/api/v1/authorize https://ssl.reddit.com/api/v1/access_token ,
runkeeper https://runkeeper.com/apps/authorize https://runkeeper.com/apps/token ,
salesforce https://login.salesforce.com/services/oauth2/authorize https://login.salesforce.com/services/oauth2/token space
shoeboxed https://id.shoeboxed.com/oauth/authorize https://id.shoeboxed.com/oauth/token ,
shopify https://[subdomain].myshopify.com/admin/oauth/authorize https://[subdomain].myshopify.com/admin/oauth/access_token ,
slack https://slack.com/oauth/v2/authorize https://slack.com/api/oauth.v2.access ,
slice https://api.slice.com/oauth/authorize https://api.slice.com/oauth/token ,
smartsheet https://app.smartsheet.com/b/authorize https://api.smartsheet.com/2.0/token space
snapchat https://accounts.snapchat.com/accounts/oauth2/auth https://accounts.snapchat.com/accounts/oauth2/token space
snowflake https://[subdomain].snowflakecomputing.com/oauth/authorize https://[subdomain].snowflakecomputing.com/oauth/token-request space
socialpilot https://panel.socialpilot.co/oauth https://panel.socialpilot.co/oauth/accesstoken ,
socrata https://[subdomain]/oauth/authorize https://[subdomain]/oauth/access_token ,
soundcloud https://soundcloud.com/connect https://api.soundcloud.com/oauth2/token ,
spotify https://accounts.spotify.com/authorize https://accounts.spotify.com/api/token space
square https://connect.squareup.com/oauth2/authorize https://connect.squareup.com/oauth2/token space
stackexchange https://stackexchange.com/oauth https://stackexchange.com/oauth/access_token ,
stocktwits https://api.stocktwits.com/api/2/oauth/authorize https://api.stocktwits.com/api/2/oauth/token ,
stormz https://stormz.me/oauth/authorize https://stormz.me/oauth/token space
storyblok https://app.storyblok.com/oauth/authorize https://app.storyblok.com/oauth/token space
strava https://www.strava.com/oauth/authorize https://www.strava.com/oauth/token ,
stripe https://connect.stripe.com/oauth/authorize https://connect.stripe.com/oauth/token ,
surveymonkey https://api.surveymonkey.com/oauth/authorize https://api.surveymonkey.net/oauth/token ,
surveysparrow https://app.surveysparrow.com/o/oauth/auth https://app.surveysparrow.com/o/oauth/token ,
thingiverse https://www.thingiverse.com/login/oauth/authorize https://www.thingiverse.com/login/oauth/access_token ,
ticketbud https://api.ticketbud.com/oauth/authorize https://api.ticketbud.com/oauth/token ,
tiktok https://open-api.tiktok.com/platform/oauth/connect/ https://open-api.tiktok.com/oauth/access_token/ ,
timelyapp https://api.timelyapp.com/1.1/oauth/authorize https://api.timelyapp.com/1.1/oauth/token ,
todoist https://todoist.com/oauth/authorize https://todoist.com/oauth/access_token ,
trakt https://api-v2launch.trakt.tv/oauth/authorize https://api-v2launch.trakt.tv/oauth/token ,
traxo https://www.traxo.com/oauth/authenticate https://www.traxo.com/oauth/token ,
trustpilot https://authenticate.trustpilot.com https://api.trustpilot.com/v1/oauth/oauth-business-users-for-applications/accesstoken ,
twitch https://id.twitch.tv/oauth2/authorize https://id.twitch.tv/oauth2/token space
twitter2 https://twitter.com/i/oauth2/authorize https://api.twitter.com/2/oauth2/token space
typeform https://api.typeform.com/oauth/authorize https://api.typeform.com/oauth/token space
uber https://login.uber.com/oauth/authorize https://login.uber.com/oauth/token ,
unbounce https://api.unbounce.com/oauth/authorize https://api.unbounce.com/oauth/token ,
underarmour https://www.mapmyfitness.com/v7.1/oauth2/uacf/authorize https://api.mapmyfitness.com/v7.1/oauth2/access_token ,
unsplash https://unsplash.com/oauth/authorize https://unsplash.com/oauth/token +
untappd https://untappd.com/oauth/authenticate https://untappd.com/oauth/authorize ,
vend https://secure.vendhq.com/connect https://[subdomain].vendhq.com/api/1.0/token ,
venmo https://api.venmo.com/v1/oauth/authorize https://api.venmo.com/v1/oauth/access_token space
vercel https://vercel.com/oauth/authorize https://api.vercel.com/v2/oauth/access_token ,
verticalresponse https://vrapi.verticalresponse.com/api/v1/oauth/authorize https://vrapi.verticalresponse.com/api/v1/oauth/access_token ,
viadeo https://partners.viadeo.com/oauth/authorize https://partners.viadeo.com/oauth/token ,
vimeo https://api.vimeo.com/oauth/authorize https://api.vimeo.com/oauth/access_token space
visualstudio https://app.vssps.visualstudio.com/oauth2/authorize https://app.vssps.visualstudio.com/oauth2/token space
vk https://oauth.vk.com/authorize https://oauth.vk.com/access_token ,
wechat https://open.weixin.qq.com/connect/oauth2/authorize https://api.weixin.qq.com/sns/oauth2/access_token ,
weekdone https://weekdone.com/oauth_authorize https://weekdone.com/oauth_token ,
weibo https://api.weibo.com/oauth2/authorize https://api.weibo.com/oauth2/access_token ,
withings https://account.withings.com/oauth2_user/authorize2 https://wbsapi.withings.net/v2/oauth2 ,
wordpress https://public-api.wordpress.com/oauth2/authorize https://public-api.wordpress.com/oauth2/token ,
workos https://api.workos.com/sso/authorize https://api.workos.com/sso/token ,
wrike https://www.wrike.com/oauth2/authorize https://www.wrike.com/oauth2/token ,
yahoo https://api.login.yahoo.com/oauth2/request_auth https://api.login.yahoo.com/oauth2/get_token ,
yammer https://www.yammer.com/dialog/oauth https://www.yammer.com/oauth2/access_token.json ,
yandex https://oauth.yandex.com/authorize https://oauth.yandex.com/token ,
zendesk https://[subdomain].zendesk.com/oauth/authorizations/new https://[subdomain].zendesk.com/oauth/tokens space
zoom https://zoom.us/oauth/authorize https://zoom.us/oauth/token space
`
// These want id and secret in a header.
const IN_HEADER = /^(?:autodesk|ebay|fitbit|homeaway|hootsuite|notion|reddit|trustpilot|twitter2)$/

export default function getOAuthConfig({ connectorParameters: given, connectionInput }) {
  const row = APPS.split('\n').find((each) => each.startsWith(`${given.app} `))
  if (row === undefined && !(given.authorizeUri && given.tokenUri))
    throw new Error(`${given.app} is not in the list: give authorizeUri and tokenUri`)
  const [, authorizeUri, tokenUri, between = 'space'] = row?.split(' ') ?? []
  const subdomain = connectionInput?.subdomain ?? given.subdomain
  const filled = (uri) => {
    if (!uri.includes('[subdomain]')) return uri
    if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(subdomain ?? ''))
      throw new Error('subdomain is missing: the part of the address that is the account’s own')
    return uri.replace('[subdomain]', subdomain)
  }
  const scopes = given.scopes ?? []
  return {
    clientId: given.clientId,
    clientSecret: given.clientSecret,
    authorizeUri: filled(given.authorizeUri || authorizeUri),
    tokenUri: filled(given.tokenUri || tokenUri),
    clientAuthLocation: given.clientAuthLocation ?? (IN_HEADER.test(given.app) ? 'headers' : 'body'),
    skipPkce: given.pkce !== true,
    extra: {
      ...(scopes.length > 0 ? { scope: scopes.join(between === 'space' ? ' ' : between) } : {}),
      ...given.authorizeParameters,
    },
  }
}
