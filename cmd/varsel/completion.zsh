#compdef varsel
# Completion of varsel in zsh. In ~/.zshrc, after compinit: source <(varsel completion zsh)
# or write it to a file _varsel in a directory of $fpath.
_varsel() {
	local line
	local -a found
	for line in "${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
		if [[ $line == :files ]]; then
			_files
			return
		fi
		[[ -n $line ]] && found+=("${${line//:/\\:}/$'\t'/:}")
	done
	_describe varsel found
}
if [[ $funcstack[1] == _varsel ]]; then
	_varsel "$@"
else
	compdef _varsel varsel
fi
