/** What the connect pages say, in the words of customers. `{app}` is the app's name, `{workspace}` the product's. */
export interface ConnectTexts {
  connectApp: string
  connect: string
  whom: string
  optional: string
  connectedTitle: string
  connectedText: string
  failedTitle: string
  tryAgain: string
  continueTitle: string
  continueTo: string
  continueText: string
  nothingTitle: string
  nothingText: string
  overText: string
  privacy: string
  help: string
  /** What went wrong. */
  notAccepted: string
  notGiven: string
  notReached: string
  tooMany: string
  noRoom: string
  notFilled: string
  unknown: string
  /** What the app said, in its own words. */
  appSays: string
}

const en: ConnectTexts = {
  appSays: '{app} says: “{said}”',
  connectApp: 'Connect {app}',
  connect: 'Connect',
  whom: 'for {customer} at {workspace}',
  optional: '(optional)',
  connectedTitle: 'Connected',
  connectedText: 'You may close this window.',
  failedTitle: 'Not connected',
  tryAgain: 'Try again',
  continueTitle: 'One more step',
  continueTo: 'Continue at {app}',
  continueText: '{app} asks you in a window of its own. Come back here when you are done.',
  nothingTitle: 'This did not work',
  nothingText: 'This page cannot be shown. Begin again where you came from.',
  overText:
    'Nothing waits for this answer: it was used already, came too late, or was begun in another browser. Begin again where you came from.',
  privacy: 'Privacy',
  help: 'Help',
  notAccepted: '{app} did not accept this. Check what you entered and try again.',
  notGiven: 'You did not give access at {app}. You can try again at any time.',
  notReached: 'We could not reach {app}. Try again in a few minutes.',
  tooMany: '{app} takes no more requests right now. Try again in a few minutes.',
  noRoom: '{workspace} cannot take another connection at the moment. Nothing was saved; please tell {workspace}.',
  notFilled: 'Something is missing or does not fit. Check what you entered.',
  unknown: '{app} could not be connected. Try again; if that does not help, ask {workspace}.',
}

const de: ConnectTexts = {
  appSays: '{app} sagt: „{said}“',
  connectApp: '{app} verbinden',
  connect: 'Verbinden',
  whom: 'für {customer} bei {workspace}',
  optional: '(freiwillig)',
  connectedTitle: 'Verbunden',
  connectedText: 'Sie können dieses Fenster schließen.',
  failedTitle: 'Nicht verbunden',
  tryAgain: 'Noch einmal versuchen',
  continueTitle: 'Noch ein Schritt',
  continueTo: 'Weiter bei {app}',
  continueText: '{app} fragt Sie in einem eigenen Fenster. Kommen Sie danach hierher zurück.',
  nothingTitle: 'Das hat nicht geklappt',
  nothingText: 'Diese Seite kann nicht gezeigt werden. Beginnen Sie noch einmal dort, wo Sie herkamen.',
  overText:
    'Auf diese Antwort wartet niemand: Sie wurde schon benutzt, kam zu spät oder begann in einem anderen Browser. Beginnen Sie noch einmal dort, wo Sie herkamen.',
  privacy: 'Datenschutz',
  help: 'Hilfe',
  notAccepted: '{app} hat das nicht angenommen. Prüfen Sie Ihre Angaben und versuchen Sie es noch einmal.',
  notGiven: 'Sie haben bei {app} keinen Zugriff erlaubt. Sie können es jederzeit noch einmal versuchen.',
  notReached: 'Wir konnten {app} nicht erreichen. Versuchen Sie es in einigen Minuten noch einmal.',
  tooMany: '{app} nimmt gerade keine Anfragen mehr an. Versuchen Sie es in einigen Minuten noch einmal.',
  noRoom:
    '{workspace} kann gerade keine weitere Verbindung aufnehmen. Es wurde nichts gespeichert; bitte sagen Sie es {workspace}.',
  notFilled: 'Etwas fehlt oder passt nicht. Prüfen Sie Ihre Angaben.',
  unknown:
    '{app} konnte nicht verbunden werden. Versuchen Sie es noch einmal; hilft das nicht, fragen Sie {workspace}.',
}

const fr: ConnectTexts = {
  appSays: '{app} indique : « {said} »',
  connectApp: 'Connecter {app}',
  connect: 'Connecter',
  whom: 'pour {customer} chez {workspace}',
  optional: '(facultatif)',
  connectedTitle: 'Connecté',
  connectedText: 'Vous pouvez fermer cette fenêtre.',
  failedTitle: 'Non connecté',
  tryAgain: 'Réessayer',
  continueTitle: 'Encore une étape',
  continueTo: 'Continuer chez {app}',
  continueText: '{app} vous interroge dans une autre fenêtre. Revenez ici ensuite.',
  nothingTitle: 'Cela n’a pas fonctionné',
  nothingText: 'Cette page ne peut pas être affichée. Recommencez depuis la page d’où vous venez.',
  overText:
    'Personne n’attend cette réponse : elle a déjà servi, est arrivée trop tard ou vient d’un autre navigateur. Recommencez depuis la page d’où vous venez.',
  privacy: 'Confidentialité',
  help: 'Aide',
  notAccepted: '{app} n’a pas accepté ces informations. Vérifiez votre saisie et réessayez.',
  notGiven: 'Vous n’avez pas donné l’accès chez {app}. Vous pouvez réessayer à tout moment.',
  notReached: 'Nous n’avons pas pu joindre {app}. Réessayez dans quelques minutes.',
  tooMany: '{app} n’accepte plus de demandes pour le moment. Réessayez dans quelques minutes.',
  noRoom:
    '{workspace} ne peut pas accepter de connexion supplémentaire pour le moment. Rien n’a été enregistré ; merci d’en informer {workspace}.',
  notFilled: 'Une information manque ou ne convient pas. Vérifiez votre saisie.',
  unknown: '{app} n’a pas pu être connecté. Réessayez ; si cela ne suffit pas, contactez {workspace}.',
}

const es: ConnectTexts = {
  appSays: '{app} dice: «{said}»',
  connectApp: 'Conectar {app}',
  connect: 'Conectar',
  whom: 'para {customer} en {workspace}',
  optional: '(opcional)',
  connectedTitle: 'Conectado',
  connectedText: 'Ya puede cerrar esta ventana.',
  failedTitle: 'No conectado',
  tryAgain: 'Intentar de nuevo',
  continueTitle: 'Un paso más',
  continueTo: 'Continuar en {app}',
  continueText: '{app} le pregunta en otra ventana. Vuelva aquí cuando termine.',
  nothingTitle: 'No ha funcionado',
  nothingText: 'No se puede mostrar esta página. Empiece de nuevo desde donde venía.',
  overText:
    'Nadie espera esta respuesta: ya se usó, llegó tarde o empezó en otro navegador. Empiece de nuevo desde donde venía.',
  privacy: 'Privacidad',
  help: 'Ayuda',
  notAccepted: '{app} no ha aceptado estos datos. Revíselos e inténtelo de nuevo.',
  notGiven: 'No ha dado acceso en {app}. Puede intentarlo de nuevo cuando quiera.',
  notReached: 'No hemos podido contactar con {app}. Inténtelo de nuevo en unos minutos.',
  tooMany: '{app} no admite más solicitudes por ahora. Inténtelo de nuevo en unos minutos.',
  noRoom: '{workspace} no puede aceptar otra conexión por ahora. No se ha guardado nada; avise a {workspace}.',
  notFilled: 'Falta algo o no es válido. Revise los datos.',
  unknown: 'No se ha podido conectar {app}. Inténtelo de nuevo; si no funciona, pregunte a {workspace}.',
}

const pt: ConnectTexts = {
  appSays: '{app} diz: “{said}”',
  connectApp: 'Conectar {app}',
  connect: 'Conectar',
  whom: 'para {customer} em {workspace}',
  optional: '(opcional)',
  connectedTitle: 'Conectado',
  connectedText: 'Você já pode fechar esta janela.',
  failedTitle: 'Não conectado',
  tryAgain: 'Tentar de novo',
  continueTitle: 'Mais um passo',
  continueTo: 'Continuar em {app}',
  continueText: '{app} pergunta em outra janela. Volte aqui quando terminar.',
  nothingTitle: 'Não funcionou',
  nothingText: 'Esta página não pode ser mostrada. Comece de novo de onde você veio.',
  overText:
    'Ninguém espera esta resposta: ela já foi usada, chegou tarde ou começou em outro navegador. Comece de novo de onde você veio.',
  privacy: 'Privacidade',
  help: 'Ajuda',
  notAccepted: '{app} não aceitou estes dados. Confira-os e tente de novo.',
  notGiven: 'Você não deu acesso em {app}. Pode tentar de novo quando quiser.',
  notReached: 'Não conseguimos contatar {app}. Tente de novo em alguns minutos.',
  tooMany: '{app} não aceita mais pedidos agora. Tente de novo em alguns minutos.',
  noRoom: '{workspace} não pode aceitar mais uma conexão no momento. Nada foi salvo; avise {workspace}.',
  notFilled: 'Falta algo ou não é válido. Confira os dados.',
  unknown: 'Não foi possível conectar {app}. Tente de novo; se não adiantar, pergunte a {workspace}.',
}

const ja: ConnectTexts = {
  appSays: '{app} からのメッセージ: 「{said}」',
  connectApp: '{app} を接続',
  connect: '接続する',
  whom: '{workspace} の {customer} 様用',
  optional: '（任意）',
  connectedTitle: '接続しました',
  connectedText: 'このウィンドウを閉じてかまいません。',
  failedTitle: '接続できませんでした',
  tryAgain: 'もう一度試す',
  continueTitle: 'あと一歩です',
  continueTo: '{app} で続ける',
  continueText: '別のウィンドウで {app} の確認があります。終わったらここに戻ってください。',
  nothingTitle: 'うまくいきませんでした',
  nothingText: 'このページは表示できません。元のページからもう一度始めてください。',
  overText:
    'この応答は、すでに使われたか、遅すぎたか、別のブラウザーで始められたものです。元のページからもう一度始めてください。',
  privacy: 'プライバシー',
  help: 'ヘルプ',
  notAccepted: '{app} が受け付けませんでした。入力内容を確かめて、もう一度お試しください。',
  notGiven: '{app} でアクセスが許可されませんでした。いつでもやり直せます。',
  notReached: '{app} に接続できませんでした。数分後にもう一度お試しください。',
  tooMany: '{app} は現在これ以上の要求を受け付けていません。数分後にもう一度お試しください。',
  noRoom: '{workspace} では現在これ以上接続を追加できません。何も保存されていません。{workspace} にお知らせください。',
  notFilled: '足りない項目か、正しくない項目があります。入力内容を確かめてください。',
  unknown: '{app} を接続できませんでした。もう一度お試しのうえ、解決しない場合は {workspace} にお問い合わせください。',
}

const TEXTS: Record<string, ConnectTexts> = { en, de, fr, es, pt, ja }

export interface Speech {
  language: string
  texts: ConnectTexts
}

export const ENGLISH: Speech = { language: 'en', texts: en }

/**
 * The language that a browser likes best of those there are.
 * @param accepted the header `Accept-Language`
 * @source RFC 9110 §12.5.4
 */
export function speechFor(accepted: string | undefined): Speech {
  const wishes = (accepted ?? '').split(',').map((each) => {
    const [tag = '', ...parameters] = each
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/)
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    return { language: tag.split('-')[0] ?? '', weight: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
  })
  const [best] = wishes
    .filter(({ language, weight }) => weight > 0 && Object.hasOwn(TEXTS, language))
    .sort((one, other) => other.weight - one.weight)
  const texts = best === undefined ? undefined : TEXTS[best.language]
  return best === undefined || texts === undefined ? ENGLISH : { language: best.language, texts }
}

/** A text with its names in it. */
export function worded(text: string, names: Record<string, string>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => names[name] ?? whole)
}
